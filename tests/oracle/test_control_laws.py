"""Laws of the control plane (cluster-and-policies.md section 14, policies.md 3 and 4) on the oracle, at random."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from blis.config import Admission, FlowControl, Scorer
from blis.tables.placement import Placement
from blis.tables.records import REASONS, REJECTED
from tests.laws.random_cases import Case, random_case
from tests.laws.random_control import random_cluster
from tests.oracle import OracleRequest, OracleResult, Setup, expand, simulate

SEEDS = range(150)

#: Who may tell the rejected when to come back: a reason, and the admission policy.
TELLS = {("policy", name) for name in ("queue-depth", "token-bucket", "tenant-token-bucket")}


def case_of(seed: int, **routing) -> Case:
    """A random case, with some of its routing replaced."""
    case = random_case(Random(seed), max_requests=30)
    return with_cluster(case, routing=replace(case.scenario.cluster.routing, **routing))


def run(case: Case, requests: list[OracleRequest] | None = None, **observers) -> OracleResult:
    return simulate(Setup.from_scenario(case.scenario), requests or expand(case.table), case.compat, **observers)


def with_cluster(case: Case, **changes) -> Case:
    return replace(case, scenario=replace(case.scenario, cluster=replace(case.scenario.cluster, **changes)))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_request_has_one_fate_a_reason_and_a_place(seed):
    case = case_of(seed)
    result, cluster = run(case), case.scenario.cluster
    names = result.status_names()
    if case.scenario.horizon_us is None:
        lost = [case.table.closed and case.table.predecessor[row] >= 0 for row in range(len(names))]
        ends = {"completed", "dropped", "rejected"}
        assert all(name in ends or (name == "not_arrived" and may) for name, may in zip(names, lost, strict=True))
    for row, request in enumerate(expand(case.table)):
        reason = REASONS[result.reason[row]]
        assert bool(reason) == (names[row] == "rejected")
        assert (result.routed_us[row] >= 0) == (result.instance[row] >= 0)
        assert result.retry_after_us[row] == -1 or (reason, cluster.admission.policy) in TELLS
        nowhere = not any(request.placement.allows(replica.labels) for replica in case.scenario.replicas)
        assert not nowhere or reason == "no-instance" or names[row] in ("in_transit", "not_arrived")
        assert reason != "no-instance" or nowhere
        if names[row] in ("completed", "dropped", "queued", "running"):
            replica = case.scenario.replicas[result.instance[row]]
            assert request.placement.allows(replica.labels)
    for j, counters in enumerate(result.instances):
        for fate in ("completed", "dropped", "queued", "running"):
            found = sum(names[row] == fate and result.instance[row] == j for row in range(len(result)))
            assert counters[fate] == found
        assert counters["routed"] == result.instance.count(j)


@pytest.mark.parametrize("seed", SEEDS)
def test_decisions_are_those_of_the_best_that_were_left(seed):
    case = case_of(seed)
    decisions = []
    result = run(case, on_decision=lambda row, now, views: decisions.append((row, now, views)))
    assert sorted((row, now) for row, now, _ in decisions) == sorted(
        (row, routed_us) for row, routed_us in enumerate(result.routed_us) if routed_us >= 0
    )
    for row, _, views in decisions:
        tokens, kv_tokens = int(case.table.input_tokens[row]), case.scenario.instance.kv.block_size_tokens
        routing = case.scenario.cluster.routing
        known = min(tokens, routing.prefix_index_max_tokens or tokens)
        blocks = known // (routing.prefix_index_block_tokens or kv_tokens)
        for view in views:
            assert view.eligible or view.score is None
            assert 0 <= view.matched_blocks <= blocks and 0 <= view.cache <= tokens // kv_tokens
            assert 0 <= view.kv <= 1
            assert 0 <= view.pending <= view.in_flight <= view.in_flight_tokens
        scores = [view.score for view in views if view.score is not None]
        if case.scenario.cluster.routing.picker == "max":
            assert views[result.instance[row]].score == max(scores)
        if case.scenario.cluster.routing.policy == "weighted":
            assert all(-1e-9 <= score <= 1 + 1e-9 for score in scores)


@pytest.mark.parametrize("seed", SEEDS)
def test_observers_and_forcing_what_happens_anyway_change_nothing(seed):
    case = case_of(seed)
    plain = run(case)
    seen = run(case, on_decision=lambda *_: None, sample_us=17)
    assert replace(seen, samples=[]) == plain
    assert all(sample.rejected <= plain.status.count(REJECTED) for sample in seen.samples)
    assert run(case, forced={row: j for row, j in enumerate(plain.instance) if j >= 0}) == plain


@pytest.mark.parametrize("seed", SEEDS)
def test_the_gateway_keeps_its_promises(seed):
    rng = Random(seed)
    base = case_of(seed, latency_us=0)
    control = replace(
        random_cluster(rng, base.scenario.cluster.instances).flow_control,
        enabled=True,
        detector=rng.choice(["concurrency", "utilization"]),
        max_concurrency=rng.choice([0.5, 1.0]),
        interval_us=rng.choice([1, 20, 50]),
        ttl_us=rng.choice([0, 60, 200]),
    )
    case = with_cluster(base, flow_control=control)
    result = run(case)
    joined = [int(arrival) + case.scenario.cluster.admission.latency_us for arrival in result.arrival_us]
    classes = [case.table.slo_names[code] for code in case.table.slo_class]
    band = [case.scenario.tier(name).priority for name in classes]
    routed = [row for row, routed_us in enumerate(result.routed_us) if routed_us >= 0]
    for row in routed:
        at_us = result.routed_us[row]
        assert at_us >= joined[row]
        assert at_us in joined or at_us % control.interval_us == 0
        ttl_us = control.band(band[row]).ttl_us
        assert ttl_us == 0 or at_us - joined[row] <= ttl_us
        for other in routed:
            if control.bands == "strict" and band[other] > band[row] and joined[other] < at_us:
                assert result.routed_us[other] <= at_us


@pytest.mark.parametrize("seed", SEEDS)
def test_a_gateway_that_always_sees_room_changes_nothing(seed):
    case = with_cluster(case_of(seed, latency_us=0), admission=Admission(), flow_control=FlowControl())
    open_gate = FlowControl(enabled=True, detector="never", interval_us=7, ttl_us=1)
    assert run(with_cluster(case, flow_control=open_gate)) == run(case)


@pytest.mark.parametrize("seed", range(40))
def test_only_ratios_of_weights_matter_and_load_balance_alone_is_least_loaded(seed):
    case = case_of(seed, policy="weighted", parameters={})
    routing = case.scenario.cluster.routing
    fourfold = tuple(replace(scorer, weight=4 * scorer.weight) for scorer in routing.scorers)
    assert run(with_cluster(case, routing=replace(routing, scorers=fourfold))) == run(case)
    alone = replace(routing, scorers=(Scorer("load-balance", 2.0),), picker="max")
    least = replace(alone, policy="least-loaded")
    assert run(with_cluster(case, routing=alone)) == run(with_cluster(case, routing=least))


@pytest.mark.parametrize("seed", range(40))
def test_round_robin_takes_turns(seed):
    case = case_of(seed, policy="round-robin", picker="max", parameters={}, filters=())
    requests = [replace(request, placement=Placement()) for request in expand(case.table)]
    routed = [counters["routed"] for counters in run(case, requests).instances]
    assert max(routed) - min(routed) <= 1


@pytest.mark.parametrize("seed", range(60))
def test_shifting_all_arrivals_shifts_everything(seed):
    case = case_of(seed, snapshot_refresh_us=0)
    case = replace(case, scenario=replace(case.scenario, horizon_us=None))
    shift_us = 1000 * 7 * 13 * 30  # a multiple of every age and interval
    a = run(case)
    b = run(case, [replace(request, arrival_us=request.arrival_us + shift_us) for request in expand(case.table)])
    for name in ("status", "instance", "reason", "ttft_us", "e2e_us", "preemptions", "cached_tokens", "itl_us"):
        assert getattr(a, name) == getattr(b, name), name
    assert [at + shift_us if at >= 0 else -1 for at in a.routed_us] == b.routed_us


def test_admission_by_class_sheds_only_classes_below_its_bound():
    shed = 0
    for seed in range(400):
        case = case_of(seed)
        policy = case.scenario.cluster.admission.policy
        if not policy.endswith("shed") and policy not in ("probabilistic", "tenant-budget"):
            continue
        bound = case.scenario.cluster.admission.parameters["min_priority"]
        for row, code in enumerate(run(case).reason):
            if REASONS[code] == "policy":
                name = case.table.slo_names[case.table.slo_class[row]]
                assert case.scenario.tier(name).priority < bound
                shed += 1
    assert shed > 20


FOUR = Setup(alpha=(100, 1, 0), beta=(2000, 20, 50), kv_blocks=2000, instances=4, routing="weighted")
BY_QUEUE = replace(FOUR, scorers=(("queue-depth", 1.0),))
BY_PREFIX = replace(FOUR, scorers=(("prefix-affinity", 5.0), ("queue-depth", 1.0)))


def sharing(shared_blocks: int) -> list[OracleRequest]:
    """Prompts of 20 blocks of which the first ones are the same."""
    shared = tuple(range(16 * shared_blocks))
    return [
        OracleRequest(700 * row, (*shared, *(1000 * (row + 1) + k for k in range(320 - len(shared)))), (1, 2, 3))
        for row in range(60)
    ]


def test_a_long_shared_prefix_draws_requests_together_and_a_short_one_hardly_does():
    def fullest(setup: Setup, shared_blocks: int) -> int:
        return max(counters["routed"] for counters in simulate(setup, sharing(shared_blocks)).instances)

    assert fullest(BY_PREFIX, 16) > fullest(BY_QUEUE, 16)
    assert fullest(BY_PREFIX, 2) <= fullest(BY_QUEUE, 2) + 5


def test_conversations_stay_together_with_prefix_affinity():
    rounds = [
        OracleRequest(9000 * turn + 700 * user, tuple(10**6 * user + k for k in range(200 + 100 * turn)), (1, 2))
        for turn in range(6)
        for user in range(7)
    ]

    def homes(setup: Setup) -> int:
        targets = simulate(setup, rounds).instance
        return sum(len(set(targets[user::7])) for user in range(7))

    assert homes(BY_PREFIX) < homes(BY_QUEUE)
