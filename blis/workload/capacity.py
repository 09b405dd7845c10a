"""How many instances a recorded load calls for: a rule of thumb from the latency coefficients, not a simulation.

With I prompt tokens and N later output tokens a request, on average, a batch of at most M members and a budget of
B tokens a step, a saturated instance spends on one request

    s * b0 + I * b1 + N * b2   µs,   where s = max((I + N) / B, (I / C + N) / M)

is its share of the steps: B tokens fit in one, and M members stay for I / C + N of them, C being the largest chunk
of one prompt. M is max_running or, if that is less, as many average requests as the KV cache holds. Nothing counts
as cached, so prompts that share much need fewer instances than this says. With any other latency model it spends s
times what a step takes that has 1 / s of an average request's work, which for these coefficients is the same. Where
tokens are guessed ahead a member decodes in so many fewer steps, each with its drafts; where requests are for LoRA
adapters every step takes `step_factor` times as long, and places for them are not looked at.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from blis.config import MAX_INSTANCES, Compat, Instance, Scenario
from blis.errors import InputError, check_number
from blis.latency.registry import LATENCY
from blis.latency.step import Step
from blis.tables.requests import RequestTable


class Load(NamedTuple):
    """Requests a second: how many come, and how many all instances serve at most, if nothing is cached.

    offered_per_s: None if all come at the same time: they have no rate.
    """

    offered_per_s: float | None
    served_per_s: float

    @property
    def utilisation(self) -> float | None:
        """How busy that keeps them; above 1 they are saturated."""
        return None if self.offered_per_s is None else self.offered_per_s / self.served_per_s


def load_of(table: RequestTable, scenario: Scenario) -> Load:
    """What a table is to the instances of a scenario."""
    at_once = table.span_us == 0
    served = scenario.cluster.instances * served_rate(table, scenario.instance)
    return Load(None if at_once else table.offered_per_s, served)


def served_rate(table: RequestTable, instance: Instance) -> float:
    """Requests per second that one instance completes when it always has work; the module's text says how."""
    budget = instance.batch.max_scheduled_tokens
    chunk = min(budget, instance.batch.long_prefill_threshold or budget)
    prompt = float(table.input_tokens.mean())
    later = float(np.maximum(table.output_tokens - 1, 0).mean())
    kv_tokens = instance.kv.blocks * instance.kv.block_size_tokens
    members = max(1.0, min(instance.batch.most_running, kv_tokens / (prompt + later)))
    drafts = instance.batch.speculative_tokens
    decodes = later / (1 + sum(instance.drafter.chances(drafts)))
    steps = max((prompt + decodes * (1 + drafts)) / budget, (prompt / chunk + decodes) / members)
    average = _average_step(table, steps, chunk, instance)
    cost_us = steps * LATENCY.step_us(instance.latency_model, average, Compat())
    if table.adapter is not None:
        cost_us *= instance.lora.step_factor
    cost_us += drafts * instance.drafter.draft_us * min(steps, decodes)
    if cost_us <= 0:
        raise InputError("latency_model: steps take no time, so an instance serves any rate")
    return 1e6 / cost_us


def _average_step(table: RequestTable, steps: float, chunk: int, instance: Instance) -> Step:
    """A step with the average work of a request that is spread over `steps` of them."""
    prompt = table.input_tokens.astype(np.float64)
    later = np.maximum(table.output_tokens - 1.0, 0)
    pairs, context = prompt * (prompt - 1) / 2, np.maximum(prompt * (prompt / chunk - 1) / 2, 0)
    drafts = instance.batch.speculative_tokens
    a_step = 1 + sum(instance.drafter.chances(drafts))  # tokens that it gives
    decodes, decode_context = later / a_step, (later * prompt + later * (later - 1) / 2) / a_step
    parts = (prompt / chunk, prompt, pairs, context, decodes, decode_context, decodes * drafts)
    return Step(*(float(part.mean()) / steps for part in parts))


def scaled_instances(table: RequestTable, instance: Instance, utilisation: float) -> int:
    """The number of instances that a table keeps busy to `utilisation` of what they can serve, rounded up.

    Raises InputError if all requests arrive at the same time: they have no rate.
    """
    check_number("utilisation", utilisation, above=0)
    if table.span_us == 0:
        raise InputError("utilisation: all requests arrive at the same time, so there is no rate to scale to")
    needed = table.offered_per_s / served_rate(table, instance) / utilisation
    if needed > MAX_INSTANCES:
        raise InputError(f"utilisation {utilisation:g} would take {needed:.3g} instances; at most {MAX_INSTANCES} run")
    return max(1, math.ceil(needed))
