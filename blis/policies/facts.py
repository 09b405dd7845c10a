"""What a template may know: a fact by the name that `reads` has for it, and the fields in which a template finds it.

Facts are gathered only for those who read them, so a field of a fact that a template does not name holds nothing that
it could rely on. The fields themselves, with their units, are those of VIEW and ASK in `blis.engine.gateway.records`.
"""

from __future__ import annotations

from typing import NamedTuple


class Fact(NamedTuple):
    """Where a fact stands."""

    views: tuple[str, ...] = ()  # fields of every instance's view
    ask: tuple[str, ...] = ()  # fields of the question about the request


#: Facts about the instances, as old as their signals; about the request; and of the router's own memory.
FACTS: dict[str, Fact] = {
    "queue_depth": Fact(views=("queue_depth",)),
    "batch_size": Fact(views=("batch_size",)),
    "kv": Fact(views=("kv_utilization", "free_blocks")),
    "pending": Fact(views=("pending",)),
    "in_flight": Fact(views=("in_flight", "in_flight_tokens")),
    "prefix": Fact(views=("matched_blocks",), ask=("prompt_blocks",)),
    "cache": Fact(views=("cached_blocks",), ask=("cache_blocks",)),
    "cold": Fact(views=("cold_stamp",)),
    "session": Fact(views=("session_home",)),
    "home": Fact(views=("home",)),
    "exact_home": Fact(views=("home",)),
    "labels": Fact(views=("preferred",)),
    "lora": Fact(views=("adapter_active", "adapter_waits", "adapters", "max_loras")),
    "tenant": Fact(ask=("tenant",)),
    "priority": Fact(ask=("priority",)),
    "tenants": Fact(ask=("tenant_in_flight", "tenant_tokens", "in_flight_tokens")),
    "completed": Fact(ask=("completed",)),
    "retry_after": Fact(ask=("retry_after_us",)),  # not to be read but to be told
    "choice-1": Fact(ask=("choice_1",)),
    "choice-2": Fact(ask=("choice_2",)),
    "picker": Fact(ask=("picker",)),
    "admission": Fact(ask=("admission",)),
}

#: Fields that need no reader: they are there for every template.
ALWAYS = Fact(views=("eligible", "place"), ask=("now_us", "turn", "places", "input_tokens", "block_tokens"))
