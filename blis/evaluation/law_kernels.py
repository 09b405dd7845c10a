"""The laws as compiled passes over a finished run: which are broken, by whom first, and by how many.

laws.py says what each is called. n requests, I instances, T tenants, R rows of the step log.
"""

from __future__ import annotations

from blis.engine.records import NEVER_US
from blis.evaluation.gap_kernels import AHEAD
from blis.evaluation.law_runs import Rules, Run
from blis.jit import entry, kernel
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

#: The laws in the order in which they are told.
(
    STATUS, INSTANCE,
    COUNTS_COMPLETED, COUNTS_DROPPED, COUNTS_QUEUED, COUNTS_RUNNING, ROUTED, PLACED, NOT_PLACED, UNFINISHED,
    COUNTS_LOST, SENT_AGAIN, DEAD, SENT_OFFLINE, LIFE, FLEET_SIZE, LOOK, COUNTS_ABANDONED,
    IN_FLIGHT, TENANT_REQUESTS, TENANT_TOKENS,
    CLIENT, UNANSWERED, OWN_ARRIVAL,
    TURN, OVERTAKEN,
    LACKING, NO_OUTPUT, SILENT_E2E, COMPLETED_US, E2E_US, UNSERVED, QUEUED_EARLY, LATE_START, LATE_TOKEN,
    SCHEDULED_EARLY, TOKEN_EARLY, COMPLETED_EARLY, E2E_SHORT, TTFT_TOKEN, STEPS_BACK,
    DRAFTED, ACCEPTED,
    PEAK_BLOCKS, IDLE_BLOCKS, BLOCKS, TOO_MANY_RUN, NO_TIER, OFFLOADED, BROUGHT_BACK, THRASHED,
    BUSY_LONG, NEGATIVE_GAP, HOLES, BUSY, NO_SUCH_STEP, GAP_NUMBER, TTFT, GAP_SUM,
    ALL_TOKENS, TOO_MANY_TOKENS, CACHED, OUTPUT_TOKENS, INPUT_TOKENS, PREEMPTIONS, PREFILL,
) = range(66)  # fmt: skip
LAWS = PREFILL + 1

FIRST, COUNT = range(2)  # columns of what is found of a law: the first who breaks it, and how many do

#: Columns of what is added up of an instance's requests: how many have each status, and the rest.
IN_FLIGHT_TOKENS, OUTPUT, INPUT, PREEMPTED, MISSING, BEFORE, HELD = range(len(STATUS_NAMES), len(STATUS_NAMES) + 7)
SUMS = HELD + 1


@entry(Run, Rules)
def judge(run, rules, sums, tenant_sums, states, elapsed_us, gap_sums, found):
    """Look for broken laws.

    sums: [I, SUMS], tenant_sums: [1 + T, 2], found: [LAWS, 2], zero before. states: [I] GONE. elapsed_us: [steps of all
    instances + 1 + AHEAD], gap_sums: [n, 2], room.
    """
    if _shape(run, found):
        return  # the other laws rely on it
    _conservation(run, rules, sums, found)
    _failures(run, sums, found)
    _fleet(run, rules, states, found)
    _in_flight(run, rules, sums, tenant_sums, found)
    _follow_ups(run, rules, found)
    _order(run, rules, found)
    for r in range(len(run.status)):
        _events(run, rules, r, found)
        _causality(run, rules, r, found)
    _capacity(run, rules, found)
    _steps(run, rules, sums, elapsed_us, gap_sums, found)
    _tokens(run, rules, sums, found)
    _drafts(run, sums, found)


@kernel
def note(found, law, place, broken):
    """Count who breaks a law."""
    if broken:
        if found[law, COUNT] == 0:
            found[law, FIRST] = place
        found[law, COUNT] += 1


@kernel
def _shape(run, found):
    """Codes and indices are valid; whether one is not."""
    for r in range(len(run.status)):
        note(found, STATUS, r, run.status[r] < 0 or run.status[r] >= len(STATUS_NAMES))
        note(found, INSTANCE, r, run.instance[r] < -1 or run.instance[r] >= len(run.counters))
    return found[STATUS, COUNT] + found[INSTANCE, COUNT] > 0


@kernel
def _conservation(run, rules, sums, found):
    """Every request is in one place, and the instances' counters add up to the requests (L1, L4)."""
    for r in range(len(run.status)):
        if run.instance[r] >= 0:
            sums[run.instance[r], run.status[r]] += 1
    for i in range(len(run.counters)):
        counters, placed = run.counters[i], sums[i]
        note(found, COUNTS_COMPLETED, i, counters.completed != placed[COMPLETED])
        note(found, COUNTS_DROPPED, i, counters.dropped != placed[DROPPED])
        note(found, COUNTS_ABANDONED, i, counters.abandoned != placed[ABANDONED])
        note(found, COUNTS_QUEUED, i, counters.queued != placed[QUEUED])
        note(found, COUNTS_RUNNING, i, counters.running != placed[RUNNING])
        routed = 0
        for status in range(len(STATUS_NAMES)):
            routed += placed[status]
        note(found, ROUTED, i, counters.routed != routed - placed[LOST] + counters.lost)
    for r in range(len(run.status)):
        status, routed = run.status[r], run.instance[r] >= 0
        waits_or_runs = status in (QUEUED, RUNNING)
        note(found, PLACED, r, (status in (COMPLETED, DROPPED, LOST) or waits_or_runs) and not routed)
        note(found, NOT_PLACED, r, status in (REJECTED, NOT_ARRIVED) and routed)
        note(found, UNFINISHED, r, (waits_or_runs or status == IN_TRANSIT) and not rules.has_horizon)


@kernel
def _failures(run, sums, found):
    """Whoever an instance has lost has that status or was sent again; nothing happens on one that is down."""
    missing = 0
    for i in range(len(run.counters)):
        missing += run.counters[i].lost
        note(found, COUNTS_LOST, i, run.counters[i].lost < sums[i, LOST])
    for r in range(len(run.status)):
        missing -= run.status[r] == LOST
        if len(run.retries) > 0:
            missing -= run.retries[r]
    note(found, SENT_AGAIN, 0, missing != 0)
    if len(run.outages) + len(run.silences) == 0:
        return
    for r in range(len(run.status)):
        i = run.instance[r]
        began = _within(run.outages, i, run.queued_us[r]) or _within(run.outages, i, run.scheduled_us[r])
        token = _within(run.outages, i, run.first_token_us[r]) or _within(run.outages, i, run.completed_us[r])
        note(found, DEAD, r, began or token)
        note(found, SENT_OFFLINE, r, _within(run.silences, i, run.routed_us[r]))


@kernel
def _fleet(run, rules, states, found):
    """Instances come and go one state after the other, and never are fewer or more than the limits say.

    states: [I] all gone. Those that load or are ready count, also while they are out of order.
    """
    there = 0
    for k in range(len(run.fleet)):
        turn = run.fleet[k]
        begins = k < run.looks[0].current  # who serves at the start has not loaded
        follows = begins or _follows(states[turn.instance], turn.state)
        note(found, LIFE, turn.instance, not follows or turn.time_us < run.fleet[max(k - 1, 0)].time_us)
        there += (turn.state in (LOADING, READY)) - (states[turn.instance] in (LOADING, READY))
        states[turn.instance] = turn.state
        few = there < rules.least_instances and k >= run.looks[0].current - 1
        note(found, FLEET_SIZE, turn.instance, few or there > rules.most_instances)
    for k in range(len(run.looks)):
        recommended = run.looks[k].recommended
        note(found, LOOK, k, recommended < rules.least_instances or recommended > rules.most_instances)


@kernel
def _follows(before, state):
    """Whether an instance may come from one state into the other."""
    if before == GONE:
        return state == LOADING
    return state == GONE or (before == LOADING and state == READY) or (before == READY and state == DRAINING)


@kernel
def _within(spans, i, time_us):
    """Whether an instant lies in one of the times of instance i."""
    found = False
    for k in range(len(spans)):
        found |= spans[k].instance == i and spans[k].from_us <= time_us < spans[k].to_us
    return found


@kernel
def _sent_again(run, r):
    """Whether what is known of the request is not all that it went through."""
    return len(run.retries) > 0 and run.retries[r] > 0


@kernel
def _in_flight(run, rules, sums, tenant_sums, found):
    """In flight is who was let in and has not left: on every instance, and of every tenant if a policy asks."""
    for r in range(len(run.status)):
        inside = run.instance[r] >= 0 and run.status[r] not in (COMPLETED, DROPPED, LOST, ABANDONED)
        if inside:
            sums[run.instance[r], IN_FLIGHT_TOKENS] += run.input_tokens[r]
        admitted = run.arrival_us[r] + rules.admission_us <= rules.horizon_us
        if len(run.tenants) > 0 and r < rules.requests and (inside or (admitted and run.status[r] == IN_TRANSIT)):
            _add(tenant_sums[0], run.input_tokens[r])
            _add(tenant_sums[1 + run.tenant[r]], run.input_tokens[r])
    for i in range(len(run.counters)):
        note(found, IN_FLIGHT, i, run.counters[i].in_flight_tokens != sums[i, IN_FLIGHT_TOKENS])
    for tenant in range(len(run.tenants)):
        note(found, TENANT_REQUESTS, tenant, run.tenants[tenant, 0] != tenant_sums[tenant, 0])
        note(found, TENANT_TOKENS, tenant, run.tenants[tenant, 1] != tenant_sums[tenant, 1])


@kernel
def _add(sums, tokens):
    """Count one more request with so many tokens."""
    sums[0] += 1
    sums[1] += tokens


@kernel
def _follow_ups(run, rules, found):
    """Whoever follows another comes when that one is answered and its client has thought, or not at all."""
    for r in range(len(run.answered_us)):
        before, arrival_us = run.predecessor[r], run.arrival_us[r]
        if before < 0:
            note(found, OWN_ARRIVAL, r, arrival_us != run.due_us[r])
            continue
        due_us = run.answered_us[before] + run.think_us[r]
        comes = run.answered_us[before] != NEVER_US and due_us <= rules.horizon_us
        note(found, CLIENT, r, comes and arrival_us != due_us)
        note(found, UNANSWERED, r, not comes and (arrival_us >= 0 or run.status[r] != NOT_ARRIVED))


@kernel
def _order(run, rules, found):
    """Nobody overtakes on the way to an instance, unless a gateway has an order of its own."""
    for r in range(len(run.status)):
        turn_us = run.arrival_us[r] + rules.admission_us + rules.routing_us
        late = run.instance[r] >= 0 and run.routed_us[r] != turn_us
        note(found, TURN, r, late and not rules.gateway and not _sent_again(run, r) and r < rules.copies_from)


@kernel
def _events(run, rules, r, found):
    """A request has exactly the events that its status says (L8)."""
    status, completed = run.status[r], run.status[r] == COMPLETED
    first_us = run.first_token_us[r]
    silent = run.output_tokens[r] == 0 and not rules.first_token_without_output
    started = run.queued_us[r] >= 0 and run.scheduled_us[r] >= 0
    note(found, LACKING, r, completed and not (started and (first_us >= 0 or silent)))
    note(found, NO_OUTPUT, r, silent and first_us >= 0)
    took_us = run.completed_us[r] - run.arrival_us[r]
    note(found, SILENT_E2E, r, completed and silent and run.e2e_us[r] != took_us and not rules.last_gap_twice)
    note(found, COMPLETED_US, r, (run.completed_us[r] >= 0) != completed)
    note(found, E2E_US, r, (run.e2e_us[r] >= 0) != completed)
    unserved = status in (REJECTED, DROPPED, NOT_ARRIVED)
    note(found, UNSERVED, r, unserved and first_us >= 0 and run.preemptions[r] == 0)


@kernel
def _causality(run, rules, r, found):
    """Events come in order (L8)."""
    completed = run.status[r] == COMPLETED
    queued_us, scheduled_us = run.queued_us[r], run.scheduled_us[r]
    first_us, completed_us = run.first_token_us[r], run.completed_us[r]
    note(found, QUEUED_EARLY, r, queued_us >= 0 and queued_us < run.arrival_us[r])
    if rules.has_horizon:
        note(found, LATE_START, r, max(queued_us, scheduled_us) > rules.horizon_us)
        note(found, LATE_TOKEN, r, max(first_us, completed_us) > rules.horizon_us and not rules.behind_horizon)
    note(found, SCHEDULED_EARLY, r, scheduled_us >= 0 and (scheduled_us < queued_us or queued_us < 0))
    again = rules.last_scheduling_delay and run.preemptions[r] > 0
    note(found, TOKEN_EARLY, r, first_us >= 0 and first_us < scheduled_us and not again)
    note(found, COMPLETED_EARLY, r, completed and completed_us < first_us)
    note(found, E2E_SHORT, r, completed and run.e2e_us[r] < run.ttft_us[r])
    note(found, TTFT_TOKEN, r, (run.ttft_us[r] >= 0) != (first_us >= 0))
    note(found, STEPS_BACK, r, first_us >= 0 and run.last_step[r] < run.first_step[r])


@kernel
def _capacity(run, rules, found):
    """Blocks stay within the cache and are given back (L2); a lower tier gets at most one for each that is taken."""
    for i in range(len(run.counters)):
        counters = run.counters[i]
        limits = run.limits[i]
        note(found, PEAK_BLOCKS, i, counters.peak_blocks > limits.blocks)
        note(found, IDLE_BLOCKS, i, counters.running + run.held[i] == 0 and counters.used_blocks != 0)
        note(found, BLOCKS, i, counters.used_blocks > limits.blocks)
        note(found, TOO_MANY_RUN, i, counters.running > limits.max_running and not rules.free_batch)
        offloaded, back = counters.offloaded_blocks, counters.cpu_hit_blocks
        note(found, NO_TIER, i, offloaded > 0 and limits.tiers == 0)
        note(found, OFFLOADED, i, offloaded > counters.miss_blocks + back)
        note(found, BROUGHT_BACK, i, back > offloaded)
        note(found, THRASHED, i, counters.thrashed_blocks > back)


@kernel
def _steps(run, rules, sums, elapsed_us, gap_sums, found):
    """The step log is complete, fits into the run, and explains every E2E (L7, L10, L11)."""
    for i in range(len(run.counters)):
        note(found, BUSY_LONG, i, run.counters[i].busy_us > rules.duration_us and not rules.overlap)
    note(found, NEGATIVE_GAP, 0, _negative_gaps(run.log) + _negative_gaps(run.gaps) > 0)
    if not _unrolled(run, elapsed_us):
        note(found, HOLES, 0, True)
        return
    before = 0
    for i in range(len(run.counters)):
        counters = run.counters[i]
        end = before + counters.steps
        whole_us = elapsed_us[end] - elapsed_us[before]
        cut_us = elapsed_us[end] - elapsed_us[end - 1] if rules.cut and counters.steps > 0 else 0
        longer = rules.busy_at_most and whole_us - cut_us > counters.busy_us
        note(found, BUSY, i, whole_us < counters.busy_us or longer)
        sums[i, BEFORE] = before
        before = end
    for r in range(len(run.status)):
        steps = run.counters[run.instance[r]].steps if run.instance[r] >= 0 else -1
        never = run.last_step[r] > steps or (run.status[r] == COMPLETED and run.first_step[r] < 1)
        note(found, NO_SUCH_STEP, r, never)
    if found[NO_SUCH_STEP, COUNT] == 0:
        _gaps(run, rules, sums, elapsed_us, gap_sums, found)


@kernel
def _negative_gaps(rows):
    found = 0
    for k in range(len(rows)):
        found += rows[k].gap_us < 0
    return found


@kernel
def _unrolled(run, elapsed_us):
    """Set the time in steps up to the end of each, one instance after the other; whether the log has them all."""
    elapsed_us[0] = 0
    row, number, now_us = 0, 0, 0
    for i in range(len(run.counters)):
        before = number
        last = number + run.counters[i].steps
        if last > len(elapsed_us) - 1 - AHEAD:
            return False
        while row < len(run.log) and run.log[row].instance == i:
            step = run.log[row]
            if step.count < 1 or step.first_step != number - before + 1 or step.count > last - number:
                return False
            for k in range(1, 1 + AHEAD):
                elapsed_us[number + k] = now_us + k * step.gap_us
            for k in range(1 + AHEAD, 1 + step.count):
                elapsed_us[number + k] = now_us + k * step.gap_us
            now_us += step.count * step.gap_us
            number += step.count
            row += 1
        if number != last:
            return False
    return row == len(run.log)


@kernel
def _gaps(run, rules, sums, elapsed_us, gap_sums, found):
    """Completed requests got one gap for each token after the first but for drafts, and these add up to E2E - TTFT."""
    for r in range(len(run.status)):
        before = sums[run.instance[r], BEFORE]
        gap_sums[r, 0] = run.last_step[r] - run.first_step[r]
        gap_sums[r, 1] = _between_us(elapsed_us, before + run.first_step[r], before + run.last_step[r])
    for h in range(len(run.gaps)):
        gap = run.gaps[h]
        r, before = gap.request, sums[run.instance[gap.request], BEFORE]
        gap_sums[r, 0] += 1 - (gap.to_step - gap.from_step)
        gap_sums[r, 1] += gap.gap_us - _between_us(elapsed_us, before + gap.from_step, before + gap.to_step)
    for r in range(len(run.status)):
        overhead_us = run.overhead_us[run.instance[r]]
        late_us = run.first_token_us[r] - run.arrival_us[r] + overhead_us
        note(found, TTFT, r, run.first_token_us[r] >= 0 and run.ttft_us[r] != late_us)
        if run.status[r] != COMPLETED:
            continue
        number, total_us = gap_sums[r, 0], gap_sums[r, 1]
        accepted = run.accepted[r] if len(run.accepted) > 0 else 0
        note(found, GAP_NUMBER, r, number != max(run.output_tokens[r], 1) - 1 - accepted)
        if rules.gaps_end_twice:
            last = sums[run.instance[r], BEFORE] + run.last_step[r]
            number += 1
            total_us += _between_us(elapsed_us, last - 1, last)
        total_us += number * overhead_us
        note(found, GAP_SUM, r, run.ttft_us[r] >= 0 and total_us != run.e2e_us[r] - run.ttft_us[r])


@kernel
def _between_us(elapsed_us, first, last):
    """From the end of one step to the end of another; of steps that there are not, those nearest."""
    latest = len(elapsed_us) - 1 - AHEAD
    return elapsed_us[min(max(last, 0), latest)] - elapsed_us[min(max(first, 0), latest)]


@kernel
def _tokens(run, rules, sums, found):
    """Tokens are generated, counted and charged once (L5)."""
    preempted, all_ended = False, True
    for r in range(len(run.status)):
        generated, completed = run.generated_tokens[r], run.status[r] == COMPLETED
        note(found, ALL_TOKENS, r, completed and generated != run.output_tokens[r])
        note(found, TOO_MANY_TOKENS, r, generated < 0 or generated > run.output_tokens[r])
        note(found, CACHED, r, run.cached_tokens[r] > run.input_tokens[r])
        preempted |= run.preemptions[r] != 0
        all_ended &= completed == (run.scheduled_us[r] >= 0)
        if run.instance[r] < 0:
            continue
        of = sums[run.instance[r]]
        of[OUTPUT] += max(generated - 1, 0) if rules.decode_tokens_only else generated
        of[INPUT] += run.input_tokens[r] if run.queued_us[r] >= 0 else 0
        of[PREEMPTED] += run.preemptions[r]
        lacked = 1 if len(run.moved) > 0 and run.moved[r] else run.input_tokens[r] - run.cached_tokens[r]
        of[MISSING] += lacked if completed else 0
    for i in range(len(run.counters)):
        counters, of = run.counters[i], sums[i]
        more = counters.lost > of[LOST]  # what those who were sent again had got here is theirs no more
        note(found, OUTPUT_TOKENS, i, _differs(counters.output_tokens, of[OUTPUT], more))
        note(found, INPUT_TOKENS, i, _differs(counters.input_tokens, of[INPUT], more))
        note(found, PREEMPTIONS, i, _differs(counters.preemptions, of[PREEMPTED], more))
        note(found, PREFILL, i, not preempted and all_ended and counters.prefill_tokens != of[MISSING] and not more)


@kernel
def _drafts(run, sums, found):
    """No more draft tokens are given out than were guessed, in the steps of a request and on an instance."""
    for r in range(len(run.accepted)):
        accepted, i = run.accepted[r], run.instance[r]
        steps = run.last_step[r] - run.first_step[r] if run.first_token_us[r] >= 0 else 0
        most = run.limits[i].drafts * steps if i >= 0 else 0
        note(found, ACCEPTED, r, accepted < 0 or accepted > min(most, max(run.generated_tokens[r] - 1, 0)))
        if i >= 0:
            sums[i, HELD] += accepted
    for i in range(len(run.counters)):
        guessed = run.counters[i].drafted_tokens
        note(found, DRAFTED, i, guessed < sums[i, HELD] or (guessed > 0 and run.limits[i].drafts == 0))


@kernel
def _differs(counted, of_requests, more):
    """Whether an instance counts another number than its requests have; it may count more."""
    return counted < of_requests if more else counted != of_requests
