"""Faults in how a run is built and reported, and in what an observer is shown."""

from __future__ import annotations

from tests.mutants import Mutant

_BOUNDARY = "blis/engine/boundary.py"
_FOLLOW_UPS = "blis/engine/follow_ups.py"
_OBSERVE = "blis/engine/observe.py"
_IN_FLIGHT = "blis/engine/in_flight.py"
_ORDER = "blis/engine/build/order.py"
_CONTROL = "blis/engine/build/encode_control.py"
_READERS = "blis/engine/build/readers.py"
_TRAITS = "blis/engine/build/encode_traits.py"
_OUTCOME = "blis/engine/build/outcome.py"
_STATE = "blis/engine/build/state.py"
_ORACLE = ("tests/laws/test_engine_equals_oracle.py",)


def _tests(name: str) -> tuple[str, ...]:
    """The mirrored test of a module of blis/engine."""
    return (f"tests/blis/engine/{name}.py",)


MUTANTS = (
    Mutant(
        _BOUNDARY,
        "row.arrival_us <= w.config.horizon_us",
        "row.arrival_us < w.config.horizon_us",
        _tests("test_boundary"),
        "who arrives at the horizon never arrived",
    ),
    Mutant(
        _BOUNDARY,
        "w.counts[GENERATED_TOKENS, r] = min(generated, row.output_tokens)",
        "w.counts[GENERATED_TOKENS, r] = generated",
        _tests("test_boundary"),
        "a request without outputs has generated a token",
        equal="it ends in the step in which it would have, and then has what it should",
    ),
    Mutant(
        _BOUNDARY,
        "instance.batch_size += 1",
        "instance.batch_size += 0",
        _tests("test_boundary"),
        "who would have completed behind the horizon is not running",
    ),
    Mutant(
        _BOUNDARY,
        "w.counts[LAST_STEP, gap.request] = gap.from_step",
        "w.counts[LAST_STEP, gap.request] = gap.to_step - 1",
        _ORACLE,
        "the token before a long gap that is taken back was in the step before",
    ),
    Mutant(
        _FOLLOW_UPS,
        "        tokens = 1\n",
        "        tokens = 0\n",
        _tests("test_boundary"),
        "a request without outputs has an overhead less",
    ),
    Mutant(
        _BOUNDARY,
        "generated += last_step - request.base_step",
        "generated += last_step - request.base_step - 1",
        _tests("test_boundary"),
        "a run that was cut lacks everybody's latest token",
    ),
    Mutant(
        _FOLLOW_UPS,
        "more_us = w.requests[r].finish_us",
        "more_us = 0",
        _tests("test_boundary"),
        "compat: the last step counts once",
    ),
    Mutant(
        _OBSERVE,
        "last_us = w.config.horizon_us if goes_on else w.cluster.decided_us",
        "last_us = w.cluster.decided_us",
        _tests("test_observe"),
        "samples of a run that is cut end with its last event",
    ),
    Mutant(
        _OBSERVE, "return now_us <= last_us", "return now_us < last_us", _tests("test_observe"), "no sample at the end"
    ),
    Mutant(
        _OBSERVE,
        "if w.cluster.sample_rows + w.config.instances > len(w.samples):",
        "if w.cluster.sample_rows > len(w.samples):",
        _tests("test_observe"),
        "samples are written behind the end of their array",
    ),
    Mutant(
        _IN_FLIGHT,
        "w.tenants[0].tokens += tokens",
        "w.tenants[0].tokens += one",
        _tests("test_in_flight"),
        "everybody's tokens in flight are counted as requests",
    ),
    Mutant(
        _IN_FLIGHT,
        "    w.instances[i].in_flight_tokens -= w.rows[r].input_tokens\n",
        "",
        _tests("gateway/test_facts"),
        "who has left an instance stays in flight there",
    ),
    Mutant(_ORDER, "(n - 1 - known)", "known", _tests("build/test_order"), "the earliest of a class is the victim"),
    Mutant(
        _ORDER,
        'not PRIORITIES[instance.priority].bounds and "class" not in',
        'not PRIORITIES[instance.priority].bounds or "class" not in',
        _tests("build/test_order"),
        "ranks are kept with the table although classes may stand for something else next time",
    ),
    Mutant(
        _ORDER,
        "fixed = not SCHEDULERS[instance.scheduler].bounds",
        "fixed = True",
        _tests("build/test_order"),
        "ranks are kept with the table whatever the scheduler's parameters",
    ),
    Mutant(
        _ORDER,
        "/{compat.ids_as_text}",
        "",
        _tests("build/test_order"),
        "ranks by id and by row are taken for the same",
    ),
    Mutant(
        _ORDER,
        "(_id_places(columns.table), columns.arrival_us, key)",
        "(columns.arrival_us, _id_places(columns.table), key)",
        _tests("build/test_order"),
        "ids come before arrivals",
    ),
    Mutant(
        _READERS,
        "lazy = kind == KV and routing.snapshot_refresh_us > 0",
        "lazy = routing.snapshot_refresh_us > 0",
        _tests("build/test_readers"),
        "a lazy snapshot makes other signals lazy",
    ),
    Mutant(
        _READERS,
        "groups[age_us, lazy, _DECISIONS | (0 if lazy else GO_ON | GIVE_UP)] |= kind",
        "groups[age_us, lazy, readers[fact]] |= kind",
        _tests("build/test_readers"),
        "a grid is read at the decisions of those alone who want it",
    ),
    Mutant(
        _READERS,
        "(LOOK if flow.enabled else ROUTING) | RETRY",
        "ROUTING | RETRY",
        _tests("build/test_readers"),
        "behind a gateway nobody reads for the router",
    ),
    Mutant(
        _READERS,
        'zip(DETECTORS, ((), ("in_flight",), ("queue_depth", "pending", "kv"))',
        'zip(DETECTORS, ((), ("in_flight",), ("queue_depth", "kv"))',
        _tests("gateway/test_queue"),
        "the detector does not read who is on the way",
    ),
    Mutant(
        _CONTROL,
        "[scorer.weight / whole for scorer in scorers]",
        "[scorer.weight for scorer in scorers]",
        _tests("build/test_encode_control"),
        "weights are not shares",
    ),
    Mutant(
        _TRAITS,
        "for name in table.slo_names}, reverse=True)",
        "for name in table.slo_names})",
        _tests("build/test_encode_traits"),
        "the least urgent band goes first",
    ),
    Mutant(
        _TRAITS,
        'side="right")]',
        'side="left")]',
        _tests("build/test_encode_traits"),
        "a prompt that ends with a node is taken for another",
    ),
    Mutant(
        _TRAITS,
        "table.arrival_us + target_us[table.slo_class]",
        "target_us[table.slo_class]",
        _tests("build/test_encode_traits"),
        "deadlines do not count from the arrival",
    ),
    Mutant(
        _OUTCOME,
        "or waits or next_us < NEVER_US or",
        "or waits or",
        _tests("build/test_outcome"),
        "a run whose next step lies beyond the horizon ends with its last event",
    ),
    Mutant(
        _OUTCOME,
        "last_us = max(last_us, completed_us)",
        "last_us = max(last_us, 0)",
        _tests("build/test_outcome"),
        "the last completion is not the end of the run",
        equal="the end of a step that ends somebody is an event already, and one beyond the horizon cuts the run",
    ),
    Mutant(
        _OUTCOME,
        "if not compat.decode_tokens_only:",
        "if compat.decode_tokens_only:",
        _tests("build/test_outcome"),
        "first tokens count under compat alone",
    ),
    Mutant(
        _STATE,
        "batch.long_prefill_threshold or batch.max_scheduled_tokens",
        "batch.long_prefill_threshold + batch.max_scheduled_tokens",
        _tests("instance/test_batch"),
        "the cap on a long prefill is larger than the budget",
    ),
    Mutant(
        _STATE,
        "(tree.shared >= 0) & (end > first)",
        "(tree.shared >= 0) & (end >= first)",
        _tests("gateway/test_homes"),
        "nodes in which no block ends are on the path",
    ),
    Mutant(
        _STATE,
        "end = np.minimum(tree.end_token // block_tokens,",
        "end = np.minimum(-(-tree.end_token // block_tokens),",
        _tests("cache/test_kv"),
        "a block belongs to the node in which it begins",
    ),
)
