"""The laws that every run must keep, checked after it: a violation is a bug of the simulator, never of a policy.

Sources: engine.md section 15, cluster-and-policies.md section 14. Nothing that lies behind the horizon is reported
(engine.md Q20), of the step that passes it neither tokens nor time; with compat's `behind_horizon` it is.
law_kernels.py looks for broken laws; here they get their words.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blis.config import Compat, Scenario
from blis.engine.build.lives import outages, silences
from blis.evaluation import law_kernels as laws
from blis.evaluation.adapter_laws import broken_adapters
from blis.evaluation.breaker_laws import check_breakers
from blis.evaluation.client_laws import answered_us, check_clients
from blis.evaluation.fleet import absences
from blis.evaluation.gap_kernels import AHEAD
from blis.evaluation.handover_laws import broken_handovers, held_blocks
from blis.evaluation.hedge_laws import check_hedges
from blis.evaluation.law_kernels import COUNT, LAWS, SUMS, judge
from blis.evaluation.law_runs import LIMITS, SPAN, Rules, Run
from blis.tables.attempts import with_attempts
from blis.tables.handovers import Handovers
from blis.tables.limits import within_limits
from blis.tables.records import ABANDONED, DRAINING, FLEET_LOOK, FLEET_TURN, GONE, LOST, READY
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable

Violations = list[str]
Mask = NDArray[np.bool_]

_NEVER_US = int(np.iinfo(np.int64).max)

#: What a broken law is called; `{}` is the first who breaks it.
WORDS = {
    laws.STATUS: "request {} has no valid status",
    laws.INSTANCE: "request {} has no valid instance",
    laws.COUNTS_COMPLETED: "instance {} counts other completed requests than have that status",
    laws.COUNTS_DROPPED: "instance {} counts other dropped requests than have that status",
    laws.COUNTS_QUEUED: "instance {} counts other queued requests than have that status",
    laws.COUNTS_RUNNING: "instance {} counts other running requests than have that status",
    laws.ROUTED: "instance {} was sent other requests than it accounts for",
    laws.PLACED: "request {} was served without an instance",
    laws.NOT_PLACED: "request {} was never routed but has an instance",
    laws.UNFINISHED: "request {} is unfinished though the run had no horizon",
    laws.COUNTS_LOST: "instance {} counts fewer lost requests than have that status",
    laws.SENT_AGAIN: "the instances lost other requests than have that status or were sent again",
    laws.DEAD: "request {} was served by an instance that was down",
    laws.SENT_OFFLINE: "request {} was sent to an instance that was believed to be offline",
    laws.LIFE: "instance {} came into a state that does not follow the one before",
    laws.FLEET_SIZE: "there were fewer or more instances than may be when instance {} came or went",
    laws.LOOK: "look {} of the autoscaler recommends what its limits forbid",
    laws.COUNTS_ABANDONED: "instance {} counts other abandoned requests than have that status",
    laws.IN_FLIGHT: "instance {} has other prompt tokens in flight than its requests",
    laws.TENANT_REQUESTS: "the tenants have other requests in flight than theirs",
    laws.TENANT_TOKENS: "the tenants have other tokens in flight than theirs",
    laws.CLIENT: "request {} came at another time than its client's",
    laws.UNANSWERED: "request {} came though what it follows has no answer",
    laws.OWN_ARRIVAL: "request {} came at another time than its own",
    laws.TURN: "request {} was not routed when it was its turn",
    laws.OVERTAKEN: "request {} was scheduled before one that came to the queue earlier",
    laws.LACKING: "request {} is completed but lacks an event",
    laws.NO_OUTPUT: "request {} has a first token though it has no output",
    laws.SILENT_E2E: "request {} has no output and another E2E than from its arrival to its end",
    laws.COMPLETED_US: "request {} has completed_us though it is not completed, or lacks it",
    laws.E2E_US: "request {} has e2e_us though it is not completed, or lacks it",
    laws.UNSERVED: "request {} got a token though it was not served",
    laws.QUEUED_EARLY: "request {} was queued before it arrived",
    laws.LATE_START: "request {} was queued or scheduled after the horizon",
    laws.LATE_TOKEN: "request {} has its first or last token after the horizon",
    laws.SCHEDULED_EARLY: "request {} was scheduled before it was queued",
    laws.TOKEN_EARLY: "request {} had its first token before it was scheduled",
    laws.COMPLETED_EARLY: "request {} completed before its first token",
    laws.E2E_SHORT: "request {} has E2E < TTFT",
    laws.TTFT_TOKEN: "request {} has a TTFT without a first token, or lacks it",
    laws.STEPS_BACK: "request {} has its last step before its first",
    laws.DRAFTED: "instance {} gave out more draft tokens than it guessed, or guessed though it does not",
    laws.ACCEPTED: "request {} got more draft tokens than its steps could give",
    laws.PEAK_BLOCKS: "instance {} used more KV blocks than it has",
    laws.IDLE_BLOCKS: "instance {} holds KV blocks with nothing running",
    laws.BLOCKS: "instance {} holds more KV blocks than there are",
    laws.TOO_MANY_RUN: "instance {} runs more requests than it may",
    laws.NO_TIER: "instance {} offloaded KV blocks without a tier to hold them",
    laws.OFFLOADED: "instance {} offloaded more KV blocks than it took",
    laws.BROUGHT_BACK: "instance {} brought back more KV blocks than it offloaded",
    laws.THRASHED: "instance {} thrashed more KV blocks than came back",
    laws.BUSY_LONG: "instance {} was busy for longer than the run",
    laws.NEGATIVE_GAP: "the step log has a negative gap",
    laws.HOLES: "the step log has holes",
    laws.BUSY: "instance {} was busy for another time than its steps",
    laws.NO_SUCH_STEP: "request {} has a step that its instance never made",
    laws.GAP_NUMBER: "request {} has another number of gaps than tokens after the first",
    laws.TTFT: "request {} has another TTFT than its first token and one overhead",
    laws.GAP_SUM: "request {} has gaps that do not add up to E2E - TTFT",
    laws.ALL_TOKENS: "request {} is completed without all its tokens",
    laws.TOO_MANY_TOKENS: "request {} generated more tokens than it has",
    laws.CACHED: "request {} found more cached tokens than its prompt has",
    laws.OUTPUT_TOKENS: "instance {} counts other output_tokens than its requests",
    laws.INPUT_TOKENS: "instance {} counts other input_tokens than its requests",
    laws.PREEMPTIONS: "instance {} counts other preemptions than its requests",
    laws.PREFILL: "instance {} charged other prefill tokens than its requests lacked in the cache",
}


def check_laws(
    scenario: Scenario, table: RequestTable, result: ResultTable, compat: Compat | None = None
) -> Violations:
    """One line for each law that the run breaks, with the first request or instance that shows it; [] = fine.

    compat: the switches that the run was made with; some laws do not hold under them.
    """
    compat = compat or Compat()
    table = within_limits(table, *scenario.instance.engine.limits)
    if violations := _sizes(scenario, table, result):
        return violations  # the laws rely on them
    if result.attempts is None:
        return _check(scenario, table, result, compat)
    own = check_hedges if scenario.cluster.hedging.any else check_clients
    return own(scenario, table, result) + _check(scenario, table, result.attempts, compat)


def _check(scenario: Scenario, first_asks: RequestTable, result: ResultTable, compat: Compat) -> Violations:
    """The laws of rows that ran, attempts of clients behind all requests that are asked for the first time."""
    table = with_attempts(first_asks, scenario.rows_a_request)
    found = np.zeros((LAWS, 2), np.int64)
    instances, steps = len(result.instances), int(result.instances["steps"].sum())
    complete = steps == int(result.steps["count"].sum())
    judge(
        _run(scenario, first_asks, result),
        _rules(scenario, result, compat),
        np.zeros((instances, SUMS), np.int64),
        np.zeros((1 + len(table.tenant_names), 2), np.int64),
        np.full(instances, GONE),
        np.empty((steps if complete and steps > 0 else 0) + 1 + AHEAD, np.int64),
        np.empty((len(table) * (1 + (result.handovers is not None)), 2), np.int64),
        found,
    )
    if not found[[laws.STATUS, laws.INSTANCE], COUNT].any():
        overtaken = _overtaken(scenario, table, result, compat)
        found[laws.OVERTAKEN] = int(np.argmax(overtaken)) if len(overtaken) else 0, int(np.count_nonzero(overtaken))
    broken = [_worded(law, *map(int, found[law])) for law in range(LAWS) if found[law, COUNT]]
    if result.handovers is not None:
        broken += broken_handovers(scenario, table, result, result.handovers)
    if result.adapter_us is not None:
        broken += broken_adapters(scenario, table, result)
    return broken + check_breakers(scenario, first_asks, result)


def _worded(law: int, first: int, count: int) -> str:
    """A broken law, who breaks it first, and how many others do."""
    words = WORDS[law]
    if "{}" not in words:
        return words
    return words.format(first) + (f" (and {count - 1} more)" if count > 1 else "")


def _sizes(scenario: Scenario, table: RequestTable, result: ResultTable) -> Violations:
    """One row a request, and one row of counters an instance."""
    n, instances, violations = len(table), len(result.instances), []
    if len(result) != n:
        violations.append(f"{n} requests but {len(result)} results")
    if instances != scenario.cluster.places:
        violations.append(f"{scenario.cluster.places} instances but counters of {instances}")
    return violations


def _run(scenario: Scenario, first_asks: RequestTable, result: ResultTable) -> Run:
    """The columns that laws are about."""
    table = with_attempts(first_asks, scenario.rows_a_request)
    tenants, nobody = result.tenants, np.zeros(0, np.int64)
    followed = table.predecessor is not None and table.think_us is not None
    instances = [replica.instance for replica in scenario.replicas]
    limits = [
        (one.kv.blocks, one.batch.most_running, len(one.kv.lower_tiers), one.batch.speculative_tokens)
        for one in instances
    ]
    moved, nothing, none = result.handovers, np.zeros(0, np.bool_), _read_only(np.zeros(0, np.int32))
    behind: Callable[..., NDArray[Any]] = _alone if moved is None else _with_prefills
    return Run(
        due_us=behind(table.arrival_us, table.arrival_us),
        input_tokens=behind(table.input_tokens, table.input_tokens),
        output_tokens=behind(table.output_tokens, 0 * table.output_tokens),
        predecessor=_read_only(table.predecessor if followed else nobody.astype(np.int32)),
        think_us=_read_only(table.think_us if followed else nobody),
        answered_us=_read_only(answered_us(scenario, result) if followed else nobody),
        tenant=behind(table.tenant, table.tenant),
        moved=_read_only(nothing) if moved is None else behind(moved.there_us >= 0, moved.there_us < -1),
        held=np.zeros(len(instances), np.int64) if moved is None else held_blocks(result, moved),
        **{name: behind(getattr(result, name), _of_prefills(result, moved, name)) for name in _COLUMNS},
        accepted=none if result.accepted is None else behind(result.accepted, 0 * result.accepted),
        retries=none if result.retries is None else _read_only(result.retries),
        log=_read_only(result.steps),
        gaps=_read_only(result.gaps),
        counters=_read_only(result.instances),
        tenants=np.zeros((0, 2), np.int64)
        if tenants is None
        else np.stack([tenants["in_flight"], tenants["tokens"]], 1),
        overhead_us=_read_only(result.token_overhead_us),
        limits=np.array(limits, LIMITS),
        outages=np.array([*outages(scenario, first_asks), *absences(result, (READY, DRAINING))], SPAN),
        silences=np.array([*silences(scenario, first_asks), *absences(result, (READY,))], SPAN),
        fleet=_read_only(np.zeros(0, FLEET_TURN) if result.fleet is None else result.fleet),
        looks=_read_only(np.zeros(0, FLEET_LOOK) if result.looks is None else result.looks),
    )


def _of_prefills(result: ResultTable, moved: Handovers | None, name: str) -> Any:
    """The column of the prefills that stands behind that of the requests."""
    if moved is None or name == "arrival_us":
        return result.arrival_us
    return getattr(moved, name)


def _alone(column: Any, _: Any) -> NDArray[Any]:
    return _read_only(column)


def _with_prefills(column: Any, behind: Any) -> NDArray[Any]:
    return _read_only(np.concatenate([column, behind]))


#: What a `Run` takes of a ResultTable as it is.
_COLUMNS = Run._fields[Run._fields.index("status") : Run._fields.index("last_step") + 1]


def _read_only(column: Any) -> NDArray[Any]:
    """A view that nobody writes: some columns are that already, and a kernel is compiled for one kind."""
    view: NDArray[Any] = column.view()
    view.flags.writeable = False
    return view


def _rules(scenario: Scenario, result: ResultTable, compat: Compat) -> Rules:
    """What holds of this scenario under these switches."""
    cluster, has_horizon = scenario.cluster, scenario.horizon_us is not None
    whole = not has_horizon or compat.behind_horizon  # every step that is begun counts with all its time
    ends_early = compat.behind_horizon or compat.duration_last_event  # before its last step does
    return Rules(
        requests=len(result),
        copies_from=len(result) // 2 if cluster.hedging.any else len(result),
        duration_us=result.duration_us,
        horizon_us=_NEVER_US if scenario.horizon_us is None else scenario.horizon_us,
        has_horizon=has_horizon,
        admission_us=cluster.admission.latency_us,
        routing_us=cluster.routing.latency_us,
        gateway=cluster.flow_control.enabled,
        # Members of several steps that the horizon cuts still run, and any number of steps lie across it at once.
        free_batch=not whole and compat.idle_when_batch_empties,
        busy_at_most=whole or not compat.idle_when_batch_empties,
        overlap=compat.idle_when_batch_empties or (has_horizon and ends_early),
        cut=not whole,
        behind_horizon=compat.behind_horizon,
        last_gap_twice=compat.last_gap_twice,
        gaps_end_twice=result.last_gap_twice,
        first_token_without_output=compat.first_token_without_output,
        last_scheduling_delay=compat.last_scheduling_delay,
        decode_tokens_only=compat.decode_tokens_only,
        least_instances=cluster.autoscaling.minimum,
        most_instances=cluster.places,
    )


def _overtaken(scenario: Scenario, table: RequestTable, result: ResultTable, compat: Compat) -> Mask:
    """[n] who was scheduled before one that came to the queue earlier; no rows where no law says who is first.

    Nobody overtakes among equal arrivals: `fcfs` serves them as they queue, and they go in the order of rows. Of two
    that a gateway sends on in one instant either may be the first, and so of two with different LoRA adapters. The
    order of all is the oracle's to tell: sorting everybody would make a simulation a tenth longer.
    """
    alike = _arrived_alike(table, result) & (result.status != LOST) & (result.status != ABANDONED)
    if result.retries is not None:
        alike &= result.retries == 0
    if scenario.cluster.hedging.any:
        alike &= np.arange(len(result)) < len(result) // 2
    if result.handovers is not None:
        alike &= result.handovers.instance < 0
    if scenario.instance.scheduler != "fcfs" or compat.last_scheduling_delay or not alike.any():
        return np.zeros(0, np.bool_)
    rows = np.flatnonzero(alike & (result.queued_us >= 0))
    sent = result.instance[rows]
    alpha = np.array([replica.instance.latency_model.alpha for replica in scenario.replicas])[sent]
    queueing_us = (alpha[:, 0] + alpha[:, 1] * table.input_tokens[rows]).astype(np.int64)
    reached_us = result.routed_us[rows] + queueing_us  # some that are queued together came one after the other
    started_us = np.where(result.scheduled_us < 0, _NEVER_US, result.scheduled_us)
    settled = (started_us[rows],) if scenario.cluster.flow_control.enabled else ()  # else by row
    adapter = np.zeros(len(table), np.int32) if table.adapter is None else table.adapter
    order = rows[
        np.lexsort((*settled, result.routed_us[rows], reached_us, result.queued_us[rows], adapter[rows], sent))
    ]
    before, after, wrong = order[:-1], order[1:], np.zeros(len(result), np.bool_)
    same = (result.instance[before] == result.instance[after]) & (adapter[before] == adapter[after])
    wrong[after] = same & (started_us[before] > started_us[after])
    return wrong


def _arrived_alike(table: RequestTable, result: ResultTable) -> Mask:
    """[n] whether somebody else arrived at the same instant; where all arrivals are known, made once a table."""
    arrival_us = result.arrival_us
    if table.closed:
        _, number, count = np.unique(arrival_us, return_inverse=True, return_counts=True)
        return (count > 1)[number] & (arrival_us >= 0)
    if "laws/alike" not in table.cache:
        same = np.zeros(len(table) + 1, np.bool_)
        same[1:-1] = table.arrival_us[1:] == table.arrival_us[:-1]
        table.cache["laws/alike"] = same[1:] | same[:-1]
    return table.cache["laws/alike"]  # type: ignore[return-value]
