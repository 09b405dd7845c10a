"""The control plane of a scenario as numbers and arrays; who reads what stands in readers.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from blis.config import DETECTORS, Compat, FlowControl, Profile, Routing, Scenario
from blis.engine.build.arrays import blank, filled, listed, room
from blis.engine.build.encode_traits import band_priorities, places, prompts, traits
from blis.engine.build.readers import ASKED, Readers, readers_of, reads_config, signals
from blis.engine.gateway.records import BAND, PAST, PLACE, PROFILE, TENANT, TRAITS, VIEW
from blis.engine.observe import Observe
from blis.engine.records import ENDS, INDEX, NONE
from blis.engine.world import Array
from blis.errors import check_integer
from blis.policies.admission import ADMISSION as ADMISSION_POLICIES
from blis.policies.filters import FILTERS
from blis.policies.registry import REQUEST, Registry
from blis.policies.routing import ROUTING as ROUTING_POLICIES
from blis.policies.scorers import ORIGINAL_MEANS, SCORERS
from blis.sums import total
from blis.tables.placement import Placement
from blis.tables.records import KEPT_STEP
from blis.tables.records import SAMPLE as SAMPLE_ROW
from blis.tables.requests import RequestTable


def encode_control(
    scenario: Scenario, table: RequestTable, compat: Compat, observe: Observe
) -> tuple[dict[str, float], dict[str, Array]]:
    """The control plane's numbers of CONFIG and its arrays of World, by name."""
    cluster = scenario.cluster
    routing = cluster.routing
    fixed = _fixed(scenario, compat, observe)
    readers = fixed.readers
    anywhere = table.placements == _ANYWHERE
    where = _NO_PLACES if anywhere else places(scenario, table)
    placed = not anywhere and not where.eligible.all()
    config: dict[str, float] = {
        **fixed.config,
        "scores_depend": REQUEST if placed else fixed.config["scores_depend"],
        "index_nodes": max(table.tree.n_shared, 1) + 1,
        "placed": placed,
        "keeps_past": readers["cache"] > 0 and routing.signals.cache.age_us > 0,
        **reads_config(routing, readers, len(where) > 0),
        **_observe_config(observe, len(table), cluster.places),
    }
    arrays: dict[str, Array] = {
        **fixed.arrays,
        "views": _views(scenario, compat),
        "unrated": np.empty(cluster.places, np.int64),
        "signals": signals(routing, readers, observe, table.first_arrival_us),
        "memory": np.zeros((1 + len(table.tenant_names), ADMISSION_POLICIES[cluster.admission.policy].memory)),
        "places": where,
        **_facts(scenario, table, readers, len(where) > 0),
        **_observed(observe, len(table), cluster.places),
    }
    return config, arrays


class _Fixed(NamedTuple):
    """What is the same for all tables. arrays: nobody writes them."""

    readers: Readers
    config: dict[str, float]
    arrays: dict[str, Array]


def _fixed(scenario: Scenario, compat: Compat, observe: Observe) -> _Fixed:
    """What a scenario alone decides, made once and kept with it."""
    key = "engine/control", compat, observe
    if key not in scenario.cache:
        scenario.cache[key] = _encode_fixed(scenario, compat, observe)
    found = scenario.cache[key]
    assert isinstance(found, _Fixed)
    return found


def _encode_fixed(scenario: Scenario, compat: Compat, observe: Observe) -> _Fixed:
    cluster = scenario.cluster
    routing, admission = cluster.routing, cluster.admission
    profiles = _profiles(scenario)
    chosen_anew = scenario.apart or routing.filters or cluster.breaker.failures or cluster.hedging.any  # among others
    config: dict[str, float] = {
        "admission_latency_us": admission.latency_us,
        "routing_latency_us": routing.latency_us,
        "admission": ADMISSION_POLICIES.code(admission.policy),
        "scores_depend": REQUEST if chosen_anew else _dependence(routing),
        "filtered": any(profile.filters for profile in profiles),
        "index_blocks": routing.prefix_index_blocks,
        "index_root_first": compat.index_root_first,
        **_flow_config(cluster.flow_control),
    }
    arrays: dict[str, Array] = {
        "params": _parameters(ADMISSION_POLICIES, admission.policy, admission.parameters),
        **_ways_to_choose(profiles, compat),
    }
    return _Fixed(readers_of(scenario, compat, observe), config, arrays)


def _profiles(scenario: Scenario) -> tuple[Routing | Profile, ...]:
    """How the instance that generates is chosen; where they are apart, also that which computes the prompt."""
    routing = scenario.cluster.routing
    return (routing, scenario.cluster.disaggregation.prefill or routing) if scenario.apart else (routing,)


def _ways_to_choose(profiles: Sequence[Routing | Profile], compat: Compat) -> dict[str, Array]:
    """The arrays of World whose rows are for one profile each."""
    scorers = [_scorers(routing, compat) for routing in profiles]
    filters = [_filters(routing) for routing in profiles]
    rows = [
        (
            ROUTING_POLICIES.code(routing.policy),
            len(routing.filters),
            len(codes),
            len(weights),
            routing.tie_break == "random" and not compat.first_of_ties,
            routing.picker == "weighted-random",
        )
        for routing, (codes, weights) in zip(profiles, scorers, strict=True)
    ]
    kept = np.zeros((len(profiles), max(map(len, filters)), max(each.shape[1] for each in filters)))
    for place, each in zip(kept, filters, strict=True):
        place[: len(each), : each.shape[1]] = each
    return {
        "profiles": listed(PROFILE, rows),
        "filters": kept,
        "template": _padded([_parameters(ROUTING_POLICIES, each.policy, each.parameters) for each in profiles]),
        "codes": _padded([codes for codes, _ in scorers]).astype(np.int64),
        "weights": _padded([weights for _, weights in scorers]),
    }


def _flow_config(flow: FlowControl) -> dict[str, float]:
    return {
        "flow_control": flow.enabled,
        "detector": DETECTORS.index(flow.detector),
        "max_concurrency": flow.max_concurrency,
        "queue_threshold": flow.queue_threshold,
        "kv_threshold": flow.kv_threshold,
        "fair_turns": flow.fairness == "round-robin",
        "band_turns": flow.bands == "weighted",
        "look_every_us": flow.interval_us,
        "by_deadline": flow.ordering != "fcfs",
    }


def _observe_config(observe: Observe, requests: int, instances: int) -> dict[str, float]:
    if observe.forced_row != NONE:
        check_integer("observe.forced_row", observe.forced_row, 0, requests - 1)
        check_integer("observe.forced_instance", observe.forced_instance, 0, instances - 1)
    return {
        "keeps_decisions": observe.decisions,
        "keeps_steps": observe.steps,
        "forced_row": observe.forced_row,
        "forced_instance": observe.forced_instance,
    }


def _facts(scenario: Scenario, table: RequestTable, readers: Readers, placements: bool) -> dict[str, Array]:
    """The arrays that the facts somebody reads are kept in."""
    instances, nodes = scenario.cluster.places, max(table.tree.n_shared, 1)
    flow, profiles = scenario.cluster.flow_control.enabled, 1 + scenario.apart
    found = dict(_NOTHING)
    found["prefix_index"] = room(INDEX, (instances, 2 * nodes + 2 if readers["prefix"] else 0))
    if readers["cache"] and scenario.cluster.routing.signals.cache.age_us:
        found["past"] = filled(PAST, (instances, nodes), (NONE, 0))
    if readers["home"]:
        found["homes"] = np.full((profiles, nodes), NONE)
    if readers["exact_home"]:
        numbers = prompts(table, scenario.replicas[0].instance.kv.block_size_tokens)
        found["homes"] = np.full((profiles, int(numbers.max(initial=0)) + 1), NONE)
    if readers["session"]:
        found["session_homes"] = np.full((profiles, int(table.session.max(initial=0)) + 1), NONE)
    if readers["tenants"]:
        found["tenants"] = blank(TENANT, 1 + len(table.tenant_names))
    if readers["retry_after"]:
        found["retry_after_us"] = np.full(len(table), NONE)
    if flow:
        found["bands"] = _bands(scenario, table)
        found["flows"] = filled(ENDS, (len(found["bands"]), len(table.tenant_names)), (NONE, NONE))
    if placements or flow or any(readers[fact] for fact in (*ASKED, "tenants", "session", "exact_home")):
        found["traits"] = traits(scenario, table, readers, placements)
    return found


def _bands(scenario: Scenario, table: RequestTable) -> Array:
    """[bands] BAND: nobody waits."""
    flow = scenario.cluster.flow_control
    own = [flow.band(priority) for priority in band_priorities(scenario, table)]
    found = blank(BAND, len(own))
    for field in ("max_requests", "ttl_us", "weight"):
        found[field] = [getattr(band, field) for band in own]
    return found


def _observed(observe: Observe, requests: int, instances: int) -> dict[str, Array]:
    """Room for what is asked to be kept."""
    found: dict[str, Array] = {}
    if observe.sample_us:
        found["samples"] = blank(SAMPLE_ROW, 1024 * instances)
    if observe.steps:
        found["kept_steps"] = blank(KEPT_STEP, 32_768)
    if observe.decisions:
        found["decisions"] = blank(VIEW, (requests, instances))
        found["decisions"].turn = NONE
    return found


def _views(scenario: Scenario, compat: Compat) -> Array:
    """What the router sees before it has looked: empty instances, all of which may be used."""
    views = blank(VIEW, scenario.cluster.places)
    views.eligible = 1
    views.place = np.arange(len(views))
    if not (compat.blank_snapshot and scenario.cluster.routing.snapshot_refresh_us):
        views.free_blocks = [replica.instance.kv.blocks for replica in scenario.replicas]
    views.max_loras = [replica.instance.lora.max_loras for replica in scenario.replicas]
    return views


def _scorers(routing: Routing | Profile, compat: Compat) -> tuple[Array, Array]:
    """Codes and normalised weights in the configured order; behind the weights all parameters, padded to one length."""
    scorers = routing.scorers if routing.policy == "weighted" else ()
    means = ORIGINAL_MEANS if compat.min_max_precise else {}
    whole = total(scorer.weight for scorer in scorers)
    codes = np.array([SCORERS.code(means.get(scorer.name, scorer.name)) for scorer in scorers], np.int64)
    weights = np.array([scorer.weight / whole for scorer in scorers], np.float64)
    parameters = _padded([SCORERS.values(scorer.name, scorer.parameters) for scorer in scorers])
    return codes, np.concatenate([weights, parameters.reshape(-1)])


def _dependence(routing: Routing) -> int:
    """What scores depend on: REQUEST, VIEWS or VIEW, the widest of those who take part."""
    scorers = routing.scorers if routing.policy == "weighted" else ()
    return min([ROUTING_POLICIES[routing.policy].depends, *(SCORERS[scorer.name].depends for scorer in scorers)])


def _filters(routing: Routing | Profile) -> Array:
    """[filters, 1 + parameters] code and parameters, padded to the same length."""
    if not routing.filters:
        return _NO_FILTERS
    return _padded([[FILTERS.code(one.name), *FILTERS.values(one.name, one.parameters)] for one in routing.filters])


def _padded(rows: Sequence[Sequence[float] | Array]) -> Array:
    """[rows, longest] the rows, with zeros behind the shorter ones."""
    found = np.zeros((len(rows), max(map(len, rows), default=0)))
    for place, row in zip(found, rows, strict=True):
        place[: len(row)] = row
    return found


def _parameters(templates: Registry, name: str, given: Mapping[str, float]) -> Array:
    """Parameters of a template in its declared order; never empty, as kernels want an array."""
    return np.array([*templates.values(name, given), 0.0])


_ANYWHERE = (Placement(),)
_NO_PLACES = blank(PLACE, (0, 0))
_NO_FILTERS = np.zeros((0, 1))

#: The arrays of what nobody reads; they can be shared because they hold nothing.
_NOTHING: dict[str, Array] = {
    "past": blank(PAST, (0, 0)),
    "homes": np.zeros((2, 0), np.int64),
    "session_homes": np.zeros((2, 0), np.int64),
    "traits": blank(TRAITS, 0),
    "tenants": blank(TENANT, 0),
    "bands": blank(BAND, 0),
    "flows": blank(ENDS, (0, 0)),
    "samples": blank(SAMPLE_ROW, 0),
    "kept_steps": blank(KEPT_STEP, 0),
    "decisions": blank(VIEW, (0, 0)),
    "retry_after_us": np.zeros(0, np.int64),
}
