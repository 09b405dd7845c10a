"""The laws of blis/evaluation/laws.py once more, in numpy: whole columns at a time, and words where one is broken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blis.config import Compat, Scenario
from blis.engine.build.lives import Span, outages, silences
from blis.evaluation.fleet import absences
from blis.tables.limits import within_limits
from blis.tables.records import (
    ABANDONED,
    COMPLETED,
    DRAINING,
    DROPPED,
    GONE,
    IN_TRANSIT,
    LOADING,
    LOST,
    NOT_ARRIVED,
    QUEUED,
    READY,
    REJECTED,
    RUNNING,
    STATUS_NAMES,
)
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable

Violations = list[str]
Mask = NDArray[np.bool_]

Ints = NDArray[np.int64]

_NEVER_US = np.iinfo(np.int64).max


@dataclass(frozen=True)
class StepIndex:
    """Numbers the steps of all instances through, from 1: step s of instance i has the number before[i] + s.

    before: [instances] steps of the instances before. rows: [log rows] number of each row's first step.
    total: steps in all.
    """

    before: Ints
    rows: Ints
    total: int

    @classmethod
    def of(cls, result: ResultTable) -> StepIndex:
        """The index of a result's step log."""
        steps = result.instances["steps"]
        before = np.cumsum(steps) - steps
        return cls(before, before[result.steps["instance"]] + result.steps["first_step"], int(steps.sum()))

    def number(self, instance: NDArray[np.int32], step: NDArray[np.integer[Any]]) -> Ints:
        """The numbers of steps."""
        return self.before[instance] + step


def plain_laws(
    scenario: Scenario, table: RequestTable, result: ResultTable, compat: Compat | None = None
) -> Violations:
    """One line for each law that the run breaks, with the first request or instance that shows it; [] = fine.

    compat: the switches that the run was made with; some laws do not hold under them.
    """
    compat = compat or Compat()
    table = within_limits(table, *scenario.instance.engine.limits)
    violations: Violations = []
    for law in (
        _shape,
        _conservation,
        _in_flight,
        _follow_ups,
        _order,
        _causality,
        _drafts,
        _capacity,
        _steps,
        _tokens,
    ):
        law(scenario, table, result, compat, violations)
        if violations and law is _shape:  # the other laws rely on it
            return violations
    return violations


def _shape(
    scenario: Scenario, table: RequestTable, result: ResultTable, compat: Compat, violations: Violations
) -> None:
    """Rows, codes and indices are valid."""
    n, instances = len(table), len(result.instances)
    if len(result) != n:
        violations.append(f"{n} requests but {len(result)} results")
    if instances != scenario.cluster.places:
        violations.append(f"{scenario.cluster.places} instances but counters of {instances}")
    _rows(violations, "has no valid status", (result.status < 0) | (result.status >= len(STATUS_NAMES)))
    _rows(violations, "has no valid instance", (result.instance < -1) | (result.instance >= instances))


def _conservation(
    scenario: Scenario, table: RequestTable, result: ResultTable, compat: Compat, violations: Violations
) -> None:
    """Every request is in one place, and the instances' counters add up to the requests (L1, L4)."""
    status, routed = result.status, result.instance >= 0
    counters = result.instances
    placed = result.instance[routed].astype(np.int64) * len(STATUS_NAMES) + status[routed]
    count = np.bincount(placed, minlength=len(counters) * len(STATUS_NAMES)).reshape(len(counters), -1)
    for code in (COMPLETED, DROPPED, QUEUED, RUNNING):
        name = STATUS_NAMES[code]
        _instances(violations, f"counts other {name} requests than have that status", counters[name] != count[:, code])
    sent = count.sum(axis=1) - count[:, LOST] + counters["lost"]
    _instances(violations, "was sent other requests than it accounts for", counters["routed"] != sent)
    needs_instance = np.isin(status, (COMPLETED, DROPPED, LOST, QUEUED, RUNNING))
    _rows(violations, "was served without an instance", needs_instance & ~routed)
    _rows(violations, "was never routed but has an instance", ((status == REJECTED) | (status == NOT_ARRIVED)) & routed)
    if scenario.horizon_us is None:
        left = (status == QUEUED) | (status == RUNNING) | (status == IN_TRANSIT)
        _rows(violations, "is unfinished though the run had no horizon", left)
    _failures(scenario, table, result, count[:, LOST], violations)
    abandoned = counters["abandoned"] != count[:, ABANDONED]
    _instances(violations, "counts other abandoned requests than have that status", abandoned)


def _failures(scenario: Scenario, table: RequestTable, result: ResultTable, lost: Ints, violations: Violations) -> None:
    """Whoever an instance has lost has that status or was sent again; nothing happens on one that is down."""
    counted, again = result.instances["lost"], 0 if result.retries is None else int(result.retries.sum())
    _instances(violations, "counts fewer lost requests than have that status", counted < lost)
    if int(counted.sum()) != int(np.count_nonzero(result.status == LOST)) + again:
        violations.append("the instances lost other requests than have that status or were sent again")
    times = (result.queued_us, result.scheduled_us, result.first_token_us, result.completed_us)
    gone = [Span(*one) for one in absences(result, (READY, DRAINING))]
    served = _within([*outages(scenario, table), *gone], result, times)
    _rows(violations, "was served by an instance that was down", served)
    unready = [Span(*one) for one in absences(result, (READY,))]
    sent = _within([*silences(scenario, table), *unready], result, (result.routed_us,))
    _rows(violations, "was sent to an instance that was believed to be offline", sent)
    if result.fleet is not None and result.looks is not None:
        _fleet(scenario, result.fleet, result.looks, violations)


#: What an instance may come to be after each state.
_AFTER = {GONE: (LOADING,), LOADING: (READY, GONE), READY: (DRAINING, GONE), DRAINING: (GONE,)}


def _fleet(scenario: Scenario, fleet: NDArray[Any], looks: NDArray[Any], violations: Violations) -> None:
    """Instances go from state to state, and so many are there as may be."""
    least, most = scenario.cluster.autoscaling.minimum, scenario.cluster.places
    begin = int(looks["current"][0])
    states = np.full(most, GONE)
    unfit, wrong_size = np.zeros(most, np.int64), np.zeros(len(fleet), np.bool_)
    for k, (time_us, instance, state) in enumerate(fleet.tolist()):
        follows = k < begin or state in _AFTER[int(states[instance])]
        unfit[instance] += not follows or (k > 0 and time_us < fleet["time_us"][k - 1])
        states[instance] = state
        there = int(np.isin(states, (LOADING, READY)).sum())
        wrong_size[k] = there > most or (there < least and k >= begin - 1)
    first = int(fleet["instance"][np.argmax(unfit[fleet["instance"]] > 0)]) if len(fleet) else 0
    if unfit.any():
        more = f" (and {unfit.sum() - 1} more)" if unfit.sum() > 1 else ""
        violations.append(f"instance {first} came into a state that does not follow the one before{more}")
    if wrong_size.any():
        more = f" (and {wrong_size.sum() - 1} more)" if wrong_size.sum() > 1 else ""
        who = int(fleet["instance"][np.argmax(wrong_size)])
        violations.append(f"there were fewer or more instances than may be when instance {who} came or went{more}")
    beyond = (looks["recommended"] < least) | (looks["recommended"] > most)
    if beyond.any():
        more = f" (and {beyond.sum() - 1} more)" if beyond.sum() > 1 else ""
        violations.append(f"look {np.argmax(beyond)} of the autoscaler recommends what its limits forbid{more}")


def _within(spans: Sequence[Span], result: ResultTable, times: Sequence[NDArray[Any]]) -> Mask:
    """[n] whether one of these instants of a request lies in a time of its instance."""
    found = np.zeros(len(result), np.bool_)
    for i, from_us, to_us in spans:
        for time_us in times:
            found |= (result.instance == i) & (time_us >= from_us) & (time_us < to_us)
    return found


def _sent_again(result: ResultTable) -> Mask:
    return np.zeros(len(result), np.bool_) if result.retries is None else result.retries > 0


def _in_flight(
    scenario: Scenario, table: RequestTable, result: ResultTable, compat: Compat, violations: Violations
) -> None:
    """In flight is who was let in and has not left: on every instance, and of every tenant if a policy asks."""
    status = result.status
    inside = (result.instance >= 0) & ~np.isin(status, (COMPLETED, DROPPED, LOST, ABANDONED))
    tokens = _sum(result, result.instance[inside], table.input_tokens[inside])
    text = "has other prompt tokens in flight than its requests"
    _instances(violations, text, result.instances["in_flight_tokens"] != tokens)
    if result.tenants is None:
        return
    horizon_us = _NEVER_US if scenario.horizon_us is None else scenario.horizon_us
    admitted = result.arrival_us + scenario.cluster.admission.latency_us <= horizon_us
    inside |= admitted & (status == IN_TRANSIT)
    for name, noun, values in (
        ("in_flight", "requests", np.ones(len(table))),
        ("tokens", "tokens", table.input_tokens),
    ):
        count = np.bincount(table.tenant[inside], values[inside], len(result.tenants) - 1)
        if (result.tenants[name] != np.append(count.sum(), count)).any():
            violations.append(f"the tenants have other {noun} in flight than theirs")


def _follow_ups(
    scenario: Scenario, table: RequestTable, result: ResultTable, compat: Compat, violations: Violations
) -> None:
    """Whoever follows another comes when that one is answered and its client has thought, or not at all."""
    if table.predecessor is None or table.think_us is None:
        return
    horizon_us = _NEVER_US if scenario.horizon_us is None else scenario.horizon_us
    before = np.maximum(table.predecessor, 0)
    due_us = result.arrival_us[before] + result.e2e_us[before] + table.think_us
    comes = (result.e2e_us[before] >= 0) & (due_us <= horizon_us)
    follows = table.predecessor >= 0
    other = comes & (result.arrival_us != due_us)
    _rows(violations, "came at another time than its client's", follows & other)
    came = (result.arrival_us >= 0) | (result.status != NOT_ARRIVED)
    _rows(violations, "came though what it follows has no answer", follows & ~comes & came)
    _rows(violations, "came at another time than its own", ~follows & (result.arrival_us != table.arrival_us))


def _order(
    scenario: Scenario, table: RequestTable, result: ResultTable, compat: Compat, violations: Violations
) -> None:
    """Nobody overtakes among equal arrivals: they go in the order of rows, and `fcfs` serves them as they queue.

    A gateway has an order of its own; of two that it sends on in one instant either may be the first. The order of
    all is the oracle's to tell: sorting everybody would make a simulation a tenth longer.
    """
    cluster, sent, queued_us = scenario.cluster, result.instance, result.queued_us
    gateway = cluster.flow_control.enabled
    routed_us = result.arrival_us + (cluster.admission.latency_us + cluster.routing.latency_us)
    late = (sent >= 0) & (result.routed_us != routed_us) & ~_sent_again(result)
    _rows(violations, "was not routed when it was its turn", late & ~gateway)
    if scenario.instance.scheduler != "fcfs" or compat.last_scheduling_delay:
        return
    alike = _arrived_alike(table, result) & ~_sent_again(result) & ~np.isin(result.status, (LOST, ABANDONED))
    if not alike.any():
        return
    started_us = np.where(result.scheduled_us < 0, _NEVER_US, result.scheduled_us)
    rows = np.flatnonzero(alike & (queued_us >= 0))
    alpha = np.array([replica.instance.latency_model.alpha for replica in scenario.replicas])[sent[rows]]
    queueing_us = (alpha[:, 0] + alpha[:, 1] * table.input_tokens[rows]).astype(np.int64)
    reached_us = result.routed_us[rows] + queueing_us  # some that are queued together came one after the other
    settled = (started_us[rows],) if gateway else ()  # else by row
    order = rows[np.lexsort((*settled, result.routed_us[rows], reached_us, queued_us[rows], sent[rows]))]
    wrong = np.zeros(len(result), np.bool_)
    before, after = order[:-1], order[1:]
    wrong[after] = (sent[before] == sent[after]) & (started_us[before] > started_us[after])
    _rows(violations, "was scheduled before one that came to the queue earlier", wrong)


def _arrived_alike(table: RequestTable, result: ResultTable) -> Mask:
    """[n] whether somebody else arrived at the same instant."""
    arrival_us = result.arrival_us
    if table.closed:
        _, number, count = np.unique(arrival_us, return_inverse=True, return_counts=True)
        return (count > 1)[number] & (arrival_us >= 0)
    same = np.zeros(len(table) + 1, np.bool_)
    same[1:-1] = arrival_us[1:] == arrival_us[:-1]
    return same[1:] | same[:-1]


def _causality(
    scenario: Scenario, table: RequestTable, result: ResultTable, compat: Compat, violations: Violations
) -> None:
    """Events come in order, and exactly those that the status says (L8)."""
    status, arrival = result.status, result.arrival_us
    queued, scheduled = result.queued_us, result.scheduled_us
    first, completed = result.first_token_us, result.completed_us
    done = status == COMPLETED
    silent = (table.output_tokens == 0) & (not compat.first_token_without_output)
    lacking = (queued < 0) | (scheduled < 0) | ((first < 0) & ~silent)
    _rows(violations, "is completed but lacks an event", done & lacking)
    _rows(violations, "has a first token though it has no output", silent & (first >= 0))
    other = done & silent & (result.e2e_us != completed - arrival) & (not compat.last_gap_twice)
    _rows(violations, "has no output and another E2E than from its arrival to its end", other)
    for name, column in (("completed_us", completed), ("e2e_us", result.e2e_us)):
        _rows(violations, f"has {name} though it is not completed, or lacks it", (column >= 0) != done)
    unserved = (status == REJECTED) | (status == DROPPED) | (status == NOT_ARRIVED)
    _rows(violations, "got a token though it was not served", unserved & (first >= 0) & (result.preemptions == 0))
    _rows(violations, "was queued before it arrived", (queued >= 0) & (queued < arrival))
    if scenario.horizon_us is not None:
        late = np.maximum(queued, scheduled) > scenario.horizon_us
        _rows(violations, "was queued or scheduled after the horizon", late)
        late = (np.maximum(first, completed) > scenario.horizon_us) & (not compat.behind_horizon)
        _rows(violations, "has its first or last token after the horizon", late)
    _rows(violations, "was scheduled before it was queued", (scheduled >= 0) & ((scheduled < queued) | (queued < 0)))
    again = compat.last_scheduling_delay & (result.preemptions > 0)
    _rows(violations, "had its first token before it was scheduled", (first >= 0) & (first < scheduled) & ~again)
    _rows(violations, "completed before its first token", done & (completed < first))
    _rows(violations, "has E2E < TTFT", done & (result.e2e_us < result.ttft_us))
    _rows(violations, "has a TTFT without a first token, or lacks it", (result.ttft_us >= 0) != (first >= 0))
    _rows(violations, "has its last step before its first", (first >= 0) & (result.last_step < result.first_step))


def _drafts(
    scenario: Scenario, table: RequestTable, result: ResultTable, compat: Compat, violations: Violations
) -> None:
    """No more draft tokens are given out than were guessed."""
    each = np.array([replica.instance.batch.speculative_tokens for replica in scenario.replicas])
    guessed = result.instances["drafted_tokens"]
    accepted = np.zeros(len(result), np.int64) if result.accepted is None else result.accepted.astype(np.int64)
    sent = result.instance >= 0
    too_many = guessed < _sum(result, result.instance[sent], accepted[sent])
    text = "gave out more draft tokens than it guessed, or guessed though it does not"
    _instances(violations, text, too_many | ((guessed > 0) & (each == 0)))
    if result.accepted is None:
        return
    steps = np.where(result.first_token_us >= 0, result.last_step - result.first_step, 0)
    most = np.where(sent, each[result.instance] * steps, 0)
    most = np.minimum(most, np.maximum(result.generated_tokens - 1, 0))
    _rows(violations, "got more draft tokens than its steps could give", (accepted < 0) | (accepted > most))


def _capacity(
    scenario: Scenario, table: RequestTable, result: ResultTable, compat: Compat, violations: Violations
) -> None:
    """Blocks stay within the cache and are given back (L2)."""
    counters, replicas = result.instances, scenario.replicas
    blocks = np.array([replica.instance.kv.blocks for replica in replicas])
    max_running = np.array([replica.instance.batch.most_running for replica in replicas])
    _instances(violations, "used more KV blocks than it has", counters["peak_blocks"] > blocks)
    _instances(
        violations, "holds KV blocks with nothing running", (counters["running"] == 0) & (counters["used_blocks"] != 0)
    )
    _instances(violations, "holds more KV blocks than there are", counters["used_blocks"] > blocks)
    cut = scenario.horizon_us is not None and not compat.behind_horizon
    if not (cut and compat.idle_when_batch_empties):  # else members of several steps that the horizon cuts still run
        _instances(violations, "runs more requests than it may", counters["running"] > max_running)
    _tiers(scenario, counters, violations)


def _tiers(scenario: Scenario, counters: NDArray[np.void], violations: Violations) -> None:
    """A lower tier gets at most one block for each that is taken, and gives back what it has got."""
    offloaded, back = counters["offloaded_blocks"], counters["cpu_hit_blocks"]
    tiers = np.array([len(replica.instance.kv.lower_tiers) for replica in scenario.replicas])
    _instances(violations, "offloaded KV blocks without a tier to hold them", (offloaded > 0) & (tiers == 0))
    _instances(violations, "offloaded more KV blocks than it took", offloaded > counters["miss_blocks"] + back)
    _instances(violations, "brought back more KV blocks than it offloaded", back > offloaded)
    _instances(violations, "thrashed more KV blocks than came back", counters["thrashed_blocks"] > back)


def _steps(
    scenario: Scenario, table: RequestTable, result: ResultTable, compat: Compat, violations: Violations
) -> None:
    """The step log is complete, fits into the run, and explains every E2E (L7, L10, L11)."""
    log, counters = result.steps, result.instances
    whole = scenario.horizon_us is None or compat.behind_horizon  # every step that is begun counts with all its time
    ends_early = compat.behind_horizon or compat.duration_last_event  # before its last step does
    overlap = compat.idle_when_batch_empties or (scenario.horizon_us is not None and ends_early)
    if not overlap:
        _instances(violations, "was busy for longer than the run", counters["busy_us"] > result.duration_us)
    if (log["gap_us"] < 0).any() or (result.gaps["gap_us"] < 0).any():
        violations.append("the step log has a negative gap")
    index = StepIndex.of(result)
    count = log["count"]
    if int(count.sum()) != index.total or (count < 1).any() or (index.rows != np.cumsum(count) - count + 1).any():
        violations.append("the step log has holes")
        return
    elapsed_us = np.zeros(index.total + 1, np.int64)  # [number of a step] durations up to its end
    np.cumsum(np.repeat(log["gap_us"], count), out=elapsed_us[1:])
    busy_us = elapsed_us[index.before + counters["steps"]] - elapsed_us[index.before]
    cut_us = np.zeros(len(counters), np.int64)
    if not whole:  # of the last step only what lies before the horizon
        started = counters["steps"] > 0
        last = (index.before + counters["steps"])[started]
        cut_us[started] = elapsed_us[last] - elapsed_us[last - 1]
    wrong = busy_us < counters["busy_us"]
    if whole or not compat.idle_when_batch_empties:  # else any number of steps lie across the horizon at once
        wrong |= busy_us - cut_us > counters["busy_us"]
    _instances(violations, "was busy for another time than its steps", wrong)
    steps = np.where(result.instance >= 0, counters["steps"][result.instance], -1)
    strange = (result.last_step > steps) | ((result.status == COMPLETED) & (result.first_step < 1))
    _rows(violations, "has a step that its instance never made", strange)
    if not strange.any():
        _gaps(table, result, index, elapsed_us, violations)


def _gaps(
    table: RequestTable, result: ResultTable, index: StepIndex, elapsed_us: NDArray[np.int64], violations: Violations
) -> None:
    """Completed requests got one gap for each token after the first, and these add up to E2E - TTFT."""

    def between_us(first: Ints, last: Ints) -> Ints:
        """Of steps that there are not, those nearest."""
        return elapsed_us[np.clip(last, 0, index.total)] - elapsed_us[np.clip(first, 0, index.total)]

    done = np.flatnonzero(result.status == COMPLETED)
    first = index.number(result.instance[done], result.first_step[done])
    last = index.number(result.instance[done], result.last_step[done])
    number, total_us = last - first, between_us(first, last)
    if len(result.gaps):
        late = result.gaps["request"]
        start = index.number(result.instance[late], result.gaps["from_step"])
        end = index.number(result.instance[late], result.gaps["to_step"])
        more_us = result.gaps["gap_us"] - between_us(start, end)
        number += np.bincount(late, 1 - (end - start), len(result))[done].astype(np.int64)
        total_us += np.bincount(late, more_us, len(result))[done].astype(np.int64)
    wrong = np.zeros(len(result), np.bool_)
    accepted = 0 if result.accepted is None else result.accepted[done]
    wrong[done] = number != np.maximum(table.output_tokens[done], 1) - 1 - accepted
    _rows(violations, "has another number of gaps than tokens after the first", wrong)
    if result.last_gap_twice:
        number, total_us = number + 1, total_us + between_us(last - 1, last)
    total_us += number * result.token_overhead_us[result.instance[done]]
    overhead_us = result.token_overhead_us[result.instance]
    token = result.first_token_us >= 0
    late = token & (result.ttft_us != result.first_token_us - result.arrival_us + overhead_us)
    _rows(violations, "has another TTFT than its first token and one overhead", late)
    answered = result.ttft_us[done] >= 0
    wrong[done] = answered & (total_us != result.e2e_us[done] - result.ttft_us[done])
    _rows(violations, "has gaps that do not add up to E2E - TTFT", wrong)


def _tokens(
    scenario: Scenario, table: RequestTable, result: ResultTable, compat: Compat, violations: Violations
) -> None:
    """Tokens are generated, counted and charged once (L5)."""
    counters, generated = result.instances, result.generated_tokens
    done = result.status == COMPLETED
    _rows(violations, "is completed without all its tokens", done & (generated != table.output_tokens))
    _rows(violations, "generated more tokens than it has", (generated < 0) | (generated > table.output_tokens))
    _rows(violations, "found more cached tokens than its prompt has", result.cached_tokens > table.input_tokens)
    counted = np.maximum(generated - 1, 0) if compat.decode_tokens_only else generated
    routed = result.instance >= 0
    sent = result.instance[routed]
    lost = result.instance[routed & (result.status == LOST)]
    more = counters["lost"] > np.bincount(lost, minlength=len(counters))  # what those sent again had got here
    for name, column in (
        ("output_tokens", counted),
        ("input_tokens", np.where(result.queued_us >= 0, table.input_tokens, 0)),
        ("preemptions", result.preemptions),
    ):
        text = f"counts other {name} than its requests"
        of_requests = _sum(result, sent, column[routed])
        _instances(violations, text, np.where(more, counters[name] < of_requests, counters[name] != of_requests))
    scheduled = result.scheduled_us >= 0
    if not result.preemptions.any() and (done == scheduled).all():
        missing = np.where(done, table.input_tokens - result.cached_tokens, 0)
        text = "charged other prefill tokens than its requests lacked in the cache"
        charged = counters["prefill_tokens"] != _sum(result, sent, missing[routed])
        _instances(violations, text, charged & ~more)


def _sum(result: ResultTable, instance: NDArray[Any], values: NDArray[Any]) -> NDArray[Any]:
    """[instances] sums of values; exact below 2**53."""
    return np.bincount(instance, values, len(result.instances))


def _rows(violations: Violations, text: str, broken: Mask) -> None:
    """Note the first request that breaks a law, and how many do."""
    if broken.any():
        violations.append(f"request {int(np.argmax(broken))} {text}{_more(broken)}")


def _instances(violations: Violations, text: str, broken: Mask) -> None:
    """The same for instances."""
    if broken.any():
        violations.append(f"instance {int(np.argmax(broken))} {text}{_more(broken)}")


def _more(broken: Mask) -> str:
    others = int(np.count_nonzero(broken)) - 1
    return f" (and {others} more)" if others else ""
