"""Laws of engine.md 15 on random small scenarios, and hand-made cases for rules no recorded run reaches."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from dataclasses import fields, replace

import numpy as np
import pytest

from blis.config import Compat, Hardware, ModelShape, Roofline, SloTier
from blis.tables.records import DROPPED
from blis.tables.requests import ContentTree, RequestTable
from tests.oracle import OracleRequest, OracleResult, Setup, expand, simulate
from tests.oracle.engine import Engine, Job
from tests.oracle.kv import KVCache, ceil_div
from tests.oracle.memory import PrefixIndex
from tests.oracle.requests import PURPOSES
from tests.oracle.setup import Machine

ORIGINAL = Compat.original()
CLASSES = ("critical", "standard", "", "batch")
PRIORITIES = ("constant", "slo-based", "inverted-slo", "class-age", "slo-tiers", "deadline", "slack")
SCHEDULERS = (
    "fcfs",
    "sjf",
    "priority-fcfs",
    "reverse-priority",
    "shortest-output",
    "shortest-predicted-output",
    "least-attained-service",
)
TINY_ROOFLINE = Roofline(ModelShape(2, 64, 4, 2, 100), Hardware(1e-3, 1e-3, 0.7, 300.0, 20.0, 0.6, 0.1, 10.0))


def _requests(rng: random.Random, count: int) -> list[OracleRequest]:
    """Few distinct short prefixes and outputs, so that contents meet again and again; many equal arrivals."""
    requests, arrival = [], 0
    for row in range(count):
        arrival += rng.choice([0, 0, 50, 400, 3000])
        stream = rng.randrange(3)
        length = rng.randint(1, 24)
        shared = rng.randint(0, length)
        own = rng.choice([row + 10, 7])
        prompt = tuple(stream * 1000 + i for i in range(shared)) + tuple(own * 1000 + i for i in range(shared, length))
        output = tuple(own * 1000 + i for i in range(length, length + rng.randint(0, 14)))
        requests.append(
            OracleRequest(
                arrival,
                prompt,
                output,
                uniform=rng.random(),
                request_id=f"request_{row}",
                slo_class=rng.choice(CLASSES),
                tenant=rng.randrange(3),
                session=rng.randrange(-1, 4),
                draws={purpose: rng.random() for purpose in PURPOSES},
            )
        )
    return requests


def _setup(rng: random.Random) -> Setup:
    blackbox = rng.random() < 0.8
    setup = Setup(
        alpha=(rng.choice([0, 100]), rng.choice([0, 1]), 10),
        beta=(1000, 10, 5) if blackbox else (),
        roofline=None if blackbox else TINY_ROOFLINE,
        tp=rng.choice([1, 2]),
        kv_blocks=rng.choice([6, 10, 30]),
        block_size_tokens=rng.choice([1, 2, 4]),
        cpu_blocks=rng.choice([0, 3, 20]),
        transfer_bandwidth=0.05,
        transfer_base_latency_us=100,
        max_running=rng.choice([1, 3, 8]),
        max_scheduled_tokens=rng.choice([4, 8, 64]),
        long_prefill_threshold=rng.choice([0, 0, 3, 8]),
        scheduler=rng.choice(SCHEDULERS),
        priority=rng.choice(PRIORITIES),
        preemption=rng.choice(["tail", "priority"]),
        instances=rng.choice([1, 1, 3]),
        routing=rng.choice(["round-robin", "least-loaded", "weighted", "prefix-affinity"]),
        routing_latency_us=rng.choice([0, 70]),
        prefix_index_blocks=rng.choice([5, 1000]),
        tie_break=rng.choice(["first", "random"]),
        queue_age_us=rng.choice([0, 1000]),
        kv_age_us=rng.choice([0, 1000]),
    )
    if rng.random() < 0.7:
        return setup
    return replace(setup, machines=tuple(_machine(rng, setup) for _ in range(setup.instances)))


def _machine(rng: random.Random, setup: Setup) -> Machine:
    common = {each.name: getattr(setup, each.name) for each in fields(Machine)}
    own = {"kv_blocks": rng.choice([6, 20]), "cpu_blocks": rng.choice([0, 5]), "max_running": rng.choice([2, 5])}
    return Machine(**common | own)


def _urgency(setup: Setup, job: Job) -> tuple[float, int, int]:
    return setup.tier(job.request.slo_class).priority, -job.request.arrival_us, -job.row


class Laws:
    """Checks one cluster's engines after every step."""

    def __init__(self) -> None:
        self._last: dict[int, Counter[str]] = {}
        self._busy_until: dict[int, int] = {}
        self._batch: dict[int, list[Job]] = {}  # members after the step before
        self._preempted: Counter[int] = Counter()  # row -> preemptions up to the step before

    def __call__(self, index: int, engine: Engine) -> None:
        self._check_time(index, engine)
        self._check_blocks(engine)
        for job in engine.batch:
            self._check_content(engine, job.row, job.computed, job.keyed)
        before = self._batch.get(index, [])
        self._check_victims(engine, before)
        self._check_admissions(engine, [job for job in engine.batch if job not in before])
        self._batch[index] = list(engine.batch)

    def _check_time(self, index: int, engine: Engine) -> None:
        """L4: it ends; L7: steps do not overlap; L18: limits of a step."""
        now, last = Counter(engine.counters), self._last.get(index, Counter())
        start = now["last_event_us"]
        assert now["steps"] < 5000
        if not engine.compat.idle_when_batch_empties:
            assert start >= self._busy_until.get(index, 0)
        self._busy_until[index] = start + now["busy_us"] - last["busy_us"]
        batch = now["batch_sum"] - last["batch_sum"]
        assert batch <= min(engine.machine.max_running, engine.machine.max_scheduled_tokens)
        assert now["prefill_tokens"] - last["prefill_tokens"] <= engine.machine.max_scheduled_tokens
        self._last[index] = now

    def _check_blocks(self, engine: Engine) -> None:
        """L2: blocks are free or referenced, never both; one keyed copy per content."""
        kv = engine.kv
        references = Counter(block for held in kv.held.values() for block in held)
        assert kv.references == [references[block] for block in range(kv.total)]
        assert set(kv.free) == {block for block in range(kv.total) if references[block] == 0}
        assert {key: block for block, key in enumerate(kv.keys) if key is not None} == kv.cached
        assert set(kv.held) <= set(engine.batch_rows())
        assert len(engine.cpu_list()) <= engine.machine.cpu_blocks
        assert not set(engine.cpu_list()) & set(kv.cached)  # a content lives in one tier only

    def _check_victims(self, engine: Engine, before: list[Job]) -> None:
        """L19: nobody is admitted beside an eviction; the victims are the tail, or the least urgent."""
        victims = [job for job in before if job.preemptions > self._preempted[job.row]]
        self._preempted.update({job.row: 1 for job in victims})
        outgrown = [job for job in victims if job.status == DROPPED]  # left the cache alone (Q10): there was no step
        if len(outgrown) == len(victims):
            return
        assert set(map(id, engine.batch)) <= set(map(id, before))
        survivors = [job for job in before if job not in victims]
        if engine.setup.preemption == "tail":
            assert before == survivors + victims
        else:
            victims.sort(key=lambda job: _urgency(engine.setup, job), reverse=True)
            assert all(_urgency(engine.setup, victims[0]) < _urgency(engine.setup, job) for job in survivors)
        if engine.setup.scheduler == "fcfs":
            waiting = [job for job in victims if job not in outgrown]
            assert engine.queue[: len(waiting)] == waiting  # the one evicted last is in front

    def _check_admissions(self, engine: Engine, admitted: list[Job]) -> None:
        """L20: a queue is served in its order; L21: ordering it loses and doubles nobody."""
        order, queue = engine.order, engine.queue
        ordered = order.ordered(queue)
        assert sorted(job.row for job in ordered) == sorted(job.row for job in queue)
        if engine.setup.scheduler == "fcfs":
            assert ordered == queue
        elif engine.setup.scheduler != "least-attained-service":  # whose keys have changed with the step
            places = [order.place(job) for job in [*admitted, *ordered]]
            assert places[: len(admitted)] == sorted(places)[: len(admitted)]

    def _check_content(self, engine: Engine, row: int, computed: int, keyed: bool) -> None:
        """L3: a sequence is packed into its blocks, and each full one carries the key of its true prefix."""
        held, size = engine.kv.held.get(row, []), engine.kv.block_size_tokens
        if keyed:
            assert len(held) == ceil_div(computed, size)
            full = computed // size
            keys = [engine.kv.keys[block] for block in held]
            assert keys == [engine.block_key(row, block) for block in range(full)] + [None] * (len(held) - full)


def _check_result(setup: Setup, requests: list[OracleRequest], result: OracleResult, compat: Compat) -> None:
    """L1, L4, L8 and L11 without a horizon: everything completes or is dropped, in causal order."""
    assert set(result.status_names()) <= {"completed", "dropped"}
    overhead = int(setup.alpha[2])
    for row, request in enumerate(requests):
        if result.status_names()[row] == "dropped":
            continue
        arrival, outputs = request.arrival_us, len(request.output)
        silent = outputs == 0 and not compat.first_token_without_output
        first_token_us = result.completed_us[row] if silent else result.first_token_us[row]
        times = [arrival, result.queued_us[row], result.scheduled_us[row], first_token_us]
        if not compat.last_scheduling_delay:
            assert times == sorted(times)
        assert result.ttft_us[row] <= result.e2e_us[row]
        gaps = result.itl_us[row]
        assert len(gaps) == max(outputs - 1, 0) + compat.last_gap_twice
        if silent:
            assert (result.first_token_us[row], result.ttft_us[row]) == (-1, -1)
        else:
            assert result.e2e_us[row] == result.ttft_us[row] + sum(gaps)
        if compat == Compat():
            assert result.e2e_us[row] == result.completed_us[row] - arrival + outputs * overhead
        assert result.generated_tokens[row] == outputs
    counters = result.instances
    assert sum(c["completed"] + c["dropped"] for c in counters) == len(requests)
    assert [c["used_blocks"] + c["queued"] + c["running"] for c in counters] == [0] * len(counters)
    if not any(result.preemptions) and not compat.fit_prompt_only:
        done = [row for row, status in enumerate(result.status_names()) if status == "completed"]
        charged = sum(len(requests[row].prompt) - result.cached_tokens[row] for row in done)
        assert sum(c["prefill_tokens"] for c in counters) == charged


@pytest.mark.parametrize("compat", [Compat(), ORIGINAL], ids=["default", "original"])
def test_laws_hold_on_random_scenarios(compat: Compat) -> None:
    preempted = reloaded = 0
    for seed in range(150):
        rng = random.Random(seed)
        setup, requests = _setup(rng), _requests(rng, 30)
        result = simulate(setup, requests, compat, Laws())
        _check_result(setup, requests, result, compat)
        preempted += sum(result.preemptions)
        reloaded += sum(counters["cpu_hit_blocks"] for counters in result.instances)
    assert preempted > 100
    assert reloaded > 100


@pytest.mark.parametrize(
    ("priority", "parameters", "gap", "slope_us"),
    [
        ("class-age", {"age_per_s": 1000}, 5, 1e-3),
        ("class-age", {"age_per_s": 200}, 5, 2e-4),
        ("slo-tiers", {"boost_per_minute": 60_000}, 10, 1e-3),
    ],
)
def test_a_request_is_overtaken_only_by_those_that_arrive_soon_after(
    priority: str, parameters: dict[str, float], gap: float, slope_us: float
) -> None:
    tiers = {"batch": SloTier(-1, 4), "critical": SloTier(4, 1.5)}  # weight x priority: -4 to 6
    overtaken = 0
    for seed in range(30):
        rng = random.Random(seed)
        setup = replace(_setup(rng), scheduler="priority-fcfs", priority=priority, priority_parameters=parameters)
        setup = replace(setup, slo_tiers=tiers, instances=1, max_running=1, machines=())
        requests = [replace(each, slo_class=rng.choice(["batch", "critical"])) for each in _requests(rng, 40)]
        result = simulate(setup, requests)
        for a, b in itertools.combinations(range(len(requests)), 2):
            if 0 <= result.queued_us[a] <= result.scheduled_us[b] < result.scheduled_us[a]:
                overtaken += 1
                assert (requests[b].arrival_us - requests[a].arrival_us) * slope_us <= gap
    assert overtaken > 100


@pytest.mark.parametrize("priority", ["constant", "slo-based", "inverted-slo"])
def test_a_later_start_shifts_every_time_and_changes_no_latency(priority: str) -> None:
    for seed in range(40):
        rng = random.Random(seed)
        setup, requests = replace(_setup(rng), priority=priority, queue_age_us=0, kv_age_us=0), _requests(rng, 25)
        shifted = [replace(each, arrival_us=each.arrival_us + 70_000) for each in requests]
        result, later = simulate(setup, requests), simulate(setup, shifted)
        for name in ("ttft_us", "e2e_us", "scheduling_delay_us", "itl_us", "preemptions", "instance", "cached_tokens"):
            assert getattr(later, name) == getattr(result, name), name
        assert later.end_us == result.end_us + 70_000


def test_other_token_numbers_for_the_same_contents_change_nothing() -> None:
    for seed in range(20):
        rng = random.Random(seed)
        setup, requests = _setup(rng), _requests(rng, 25)

        def renamed(tokens: tuple[int, ...]) -> tuple[int, ...]:
            return tuple(-7 * token - 3 for token in tokens)

        others = [replace(each, prompt=renamed(each.prompt), output=renamed(each.output)) for each in requests]
        assert simulate(setup, others) == simulate(setup, requests)


def test_a_block_with_cached_content_is_exchanged_for_the_cached_one() -> None:
    kv = KVCache(6, 2)
    for row in (0, 1):  # two chunked prefills of one prompt: first halves of a block each, then the rest
        assert kv.allocate(row, 0, 1, lambda block: 70 + block)
    assert kv.allocate(0, 1, 4, lambda block: 70 + block)
    assert kv.allocate(1, 1, 4, lambda block: 70 + block)
    assert kv.held == {0: [0, 2], 1: [0, 2]}
    assert (list(kv.free), kv.misses, kv.hits) == ([3, 1, 4, 5], 4, 0)
    kv.release(0)
    kv.release(1)
    assert list(kv.free) == [3, 1, 4, 5, 2, 0]
    assert kv.free_list() == [None, None, None, None, 71, 70]


SETUP = Setup(alpha=(0, 0, 10), beta=(1000, 10, 5), kv_blocks=4, block_size_tokens=4)


def _own(arrival_us: int, input_tokens: int, outputs: int, name: int, uniform: float = 0.0) -> OracleRequest:
    content = tuple(range(1000 * name, 1000 * name + input_tokens + outputs))
    return OracleRequest(
        arrival_us, content[:input_tokens], content[input_tokens:], uniform=uniform, request_id=f"request_{name}"
    )


def test_outputs_that_can_never_fit_drop_a_request_at_once() -> None:
    requests = [_own(0, 8, 10, 0), _own(0, 8, 9, 1)]  # the last token is not stored: 17 and 16 tokens of 16
    assert simulate(SETUP, requests).status_names() == ["dropped", "completed"]
    stored = replace(Compat(), last_gap_twice=True)
    assert simulate(SETUP, requests, stored).status_names() == ["dropped", "dropped"]


def test_checking_the_prompt_only_drops_a_request_when_it_can_grow_no_more() -> None:
    compat = replace(Compat(), fit_prompt_only=True)
    result = simulate(SETUP, [_own(0, 8, 12, 0), _own(90_000, 4, 1, 1)], compat)
    assert result.status_names() == ["dropped", "completed"]
    assert (result.generated_tokens[0], result.preemptions[0]) == (9, 1)  # 8 + 8 stored, the ninth found no block
    counters = result.instances[0]
    assert counters["steps"] == 9 + 1  # its nine, and the other request's
    assert (counters["dropped"], counters["used_blocks"]) == (1, 0)


def test_a_signal_with_an_age_is_read_on_its_grid_before_the_events_of_that_instant() -> None:
    aged = replace(SETUP, kv_blocks=100, instances=2, routing="least-loaded", queue_age_us=1000, batch_age_us=1000)
    # requests queue as soon as they are routed; from then on the router does not see them until a grid point
    requests = [_own(1, 4, 9, 0), _own(2, 4, 9, 1), _own(1000, 4, 9, 2), _own(1001, 4, 9, 3), _own(2000, 4, 9, 4)]
    assert simulate(aged, requests).instance == [0, 0, 1, 1, 0]
    live = replace(aged, queue_age_us=0, batch_age_us=0)
    assert simulate(live, requests).instance == [0, 1, 0, 1, 0]


def test_random_ties_pick_among_the_best_by_the_request_s_own_number() -> None:
    setup = replace(SETUP, instances=4, kv_blocks=100, routing="least-loaded", tie_break="random")
    assert simulate(setup, [_own(0, 4, 1, 0, uniform=0.75)]).instance == [3]
    two = [_own(0, 4, 1, 0, uniform=0.25), _own(0, 4, 1, 1, uniform=0.34)]
    assert simulate(setup, two).instance == [1, 2]  # the second chooses among 0, 2 and 3


def test_queue_waiting_looks_at_waiting_requests_only() -> None:
    setup = replace(SETUP, instances=2, kv_blocks=100, routing="weighted", scorers=(("queue-waiting", 1.0),))
    requests = [_own(0, 4, 9, 0), _own(10, 4, 9, 1), _own(20, 4, 9, 2)]
    assert simulate(setup, requests).instance == [0, 0, 1]  # the first runs, the second waits


def test_the_router_s_index_forgets_a_prompt_s_last_block_first_unless_original() -> None:
    for root_first, match_after in ((False, 2), (True, 0)):
        index = PrefixIndex(capacity=3, root_first=root_first)
        index.record([1, 2, 3])
        assert index.match([1, 2, 3, 4]) == 3
        index.record([9])
        assert index.match([1, 2, 3]) == match_after


def test_affinity_matches_the_longest_prefix_unless_original() -> None:
    setup = replace(SETUP, kv_blocks=100, instances=2, routing="prefix-affinity")
    first, other = _own(0, 8, 9, 0), _own(1, 4, 9, 1)
    longer = OracleRequest(2, (*first.prompt, 1, 2, 3, 4), (5,), request_id="request_2")
    busier = [first, other, longer, _own(3, 4, 9, 3)]  # the last goes to the less loaded one
    assert simulate(setup, busier).instance == [0, 1, 0, 1]
    assert simulate(setup, [first, other, _own(2, 4, 9, 2), replace(longer, arrival_us=3)]).instance == [0, 1, 0, 0]
    whole = replace(Compat(), exact_prefix_home=True)
    assert simulate(setup, [first, other, _own(2, 4, 9, 2), replace(longer, arrival_us=3)], whole).instance == [
        0,
        1,
        0,
        1,
    ]


def test_expand_gives_equal_tokens_exactly_where_paths_agree() -> None:
    tree = ContentTree(
        parent=np.array([-1, 0, 0], np.int32),
        start_token=np.array([0, 3, 3]),
        end_token=np.array([3, 6, 5]),
        shared=np.array([0, -1, -1], np.int32),
    )
    zeros = np.zeros(2, np.int32)
    table = RequestTable(
        arrival_us=np.array([5, 9]),
        input_tokens=np.array([4, 5]),
        output_tokens=np.array([2, 0]),
        path_offset=np.array([0, 2, 4]),
        path_node=np.array([0, 1, 0, 2], np.int32),
        path_end_token=np.array([3, 6, 3, 5]),
        output_node=np.array([1, 2], np.int32),
        slo_class=np.zeros(2, np.int16),
        tenant=zeros,
        session=zeros - 1,
        round=zeros,
        uniform=np.array([0.5, 0.25]),
        tree=tree,
    )
    first, second = expand(table)
    assert (len(first.prompt), len(first.output), len(second.prompt), len(second.output)) == (4, 2, 5, 0)
    assert first.prompt[:3] == second.prompt[:3]
    assert not set(first.prompt[3:] + first.output) & set(second.prompt[3:])
    assert (second.arrival_us, second.uniform, second.request_id) == (9, 0.25, "request_1")
