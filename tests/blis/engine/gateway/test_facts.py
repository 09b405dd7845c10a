"""What reaches the templates, in runs whose times can be told by hand: a step takes 100 µs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blis.config import (
    Admission,
    Batch,
    Compat,
    Filter,
    FlowControl,
    Pool,
    Routing,
    Scorer,
    Signal,
    Signals,
)
from blis.engine.build.state import encode
from blis.engine.observe import Observe
from blis.engine.run import simulate
from blis.evaluation.laws import check_laws
from blis.tables.placement import Placement
from tests.blis.engine.plain_times import deployment, requests
from tests.oracle.known import ADMISSION_POLICIES, FILTER_NAMES, ROUTING_POLICIES, SCORER_NAMES

KEEP = Observe(decisions=True)
SHARED = list(range(8))


def by(scorer: str, **more) -> Routing:
    return Routing("weighted", scorers=(Scorer(scorer, 1),), **more)


def seen(routing: Routing, table, field: str, instances: int = 2, **more) -> list[list[float]]:
    """What every decision saw in a field."""
    return simulate(deployment(instances, routing=routing, **more), table, observe=KEEP).decisions[field].tolist()


def prompts(*texts):
    """Prompts that begin with these many shared tokens and go on with 8 of their own."""
    return [[*SHARED[:shared], *range(100 * row, 100 * row + 8)] for row, shared in enumerate(texts, start=1)]


# -- signals


@pytest.mark.parametrize(
    ("age_us", "cached"),
    [
        (0, [[0], [0], [2], [2], [2]]),
        (50, [[0], [0], [2], [2], [2]]),
        (60, [[0], [0], [0], [2], [2]]),
        (1000, [[0], [0], [0], [0], [0]]),
    ],
)
def test_the_cache_signal_is_what_was_cached_on_its_grid(age_us, cached):
    # the first step, at 0, fills the cache with the two blocks of the shared beginning
    table = requests([0, 0, 59, 60, 200], 9, prompts(8, 8, 8, 8, 8))
    signals = Signals(cache=Signal(age_us))
    assert seen(by("precise-prefix-cache", signals=signals), table, "cached_blocks", 1) == cached


@pytest.mark.parametrize(
    ("age_us", "cached"), [(0, [2, 2, 1, 0]), (100, [2, 2, 2, 1]), (400, [2, 2, 2, 1]), (10_000, [0, 0, 0, 0])]
)
def test_the_cache_signal_shows_what_is_lost_as_late_as_what_is_won(age_us, cached):
    # request 1 needs the whole cache that 0 has filled: a shared block goes at 1100, the other at 1500
    routing = by("precise-prefix-cache", signals=Signals(cache=Signal(age_us)))
    found = []
    for looks_us in (1050, 1100, 1101, 1501):
        table = requests([0, 1000, looks_us], [1, 9, 1], [*prompts(8), range(900, 916), SHARED])
        found.append(seen(routing, table, "cached_blocks", 1, blocks=6)[2][0])
    assert found == cached


def test_in_flight_ends_with_the_start_of_the_last_step():
    table = requests([0, 99, 101, 201], [2, 2, 1, 1])
    routing = by("active-requests")
    assert seen(routing, table, "in_flight") == [[0, 0], [1, 0], [0, 1], [0, 0]]
    assert seen(routing, table, "in_flight_tokens") == [[0, 0], [8, 0], [0, 8], [0, 0]]


def test_in_flight_counts_nobody_who_was_dropped():
    table = requests([0, 1], 1, [range(100), range(500, 508)])
    assert seen(by("token-load"), table, "in_flight_tokens", 1, blocks=10) == [[0], [0]]


def test_matched_blocks_are_those_that_the_router_sent_there():
    table = requests([0, 1, 2, 3], 1, prompts(8, 8, 4, 0))
    assert seen(by("prefix-affinity"), table, "matched_blocks") == [[0, 0], [2, 0], [1, 0], [0, 0]]


@pytest.mark.parametrize(
    ("given", "matched"),
    [
        ({"prefix_index_block_tokens": 8}, [0, 2, 1, 1, 0]),  # whole blocks of 8: 12 common tokens are one
        ({"prefix_index_block_tokens": 2}, [0, 8, 6, 5, 0]),
        ({"prefix_index_block_tokens": 32}, [0, 0, 0, 0, 0]),
        ({"prefix_index_max_tokens": 11}, [0, 2, 2, 2, 0]),  # of 11 tokens two blocks of 4 are full
        ({"prefix_index_block_tokens": 8, "prefix_index_max_tokens": 9}, [0, 1, 1, 1, 0]),
        ({"prefix_index_max_tokens": 3}, [0, 0, 0, 0, 0]),
    ],
)
def test_the_router_matches_whole_blocks_of_its_own(given, matched):
    table = requests(range(5), 1, [[*range(shared), *range(900 + shared, 916)] for shared in (16, 16, 12, 10, 0)])
    routing = replace(by("prefix-affinity"), **given)
    assert [row[0] for row in seen(routing, table, "matched_blocks", 1)] == matched


def test_a_score_of_the_router_s_blocks_and_one_of_the_cache_s():
    table = requests([0, 5000], 1, [list(range(100)), [*range(50), *range(900, 950)]])  # 12 of 25 KV blocks in common
    ages = Signals()
    for name, given, score in (
        ("prefix-affinity", {"prefix_index_block_tokens": 16}, 3 / 6),
        ("prefix-affinity", {"prefix_index_block_tokens": 16, "prefix_index_max_tokens": 64}, 3 / 4),
        ("precise-prefix-cache", {"prefix_index_block_tokens": 16}, 12 / 25),
    ):
        routing = replace(by(name, signals=ages), **given)
        assert seen(routing, table, "score", 1)[1] == [score]


# -- homes


def test_a_prompt_goes_where_its_longest_known_beginning_went():
    table = requests([0, 1, 2, 3], 9, prompts(8, 0, 4, 8))
    assert simulate(deployment(3, routing=Routing("prefix-affinity")), table).instance.tolist() == [0, 1, 0, 0]


def test_the_exact_rule_knows_whole_prompts_only():
    texts = prompts(8, 8) + prompts(8) + [[1, 2, 3], [1, 2, 4], [1, 2, 3]]
    table = requests(range(6), 9, texts)
    for routing, compat in (
        (Routing("prefix-affinity-exact"), Compat()),
        (Routing("prefix-affinity"), Compat(exact_prefix_home=True)),
    ):
        assert simulate(deployment(9, routing=routing), table, compat).instance.tolist() == [0, 1, 0, 2, 3, 2]


def test_the_home_follows_the_request():
    table = requests([0, 1, 2], 9, prompts(8, 8, 8))
    scenario = deployment(2, routing=Routing("prefix-affinity"))
    moved = simulate(scenario, table, observe=Observe(forced_row=1, forced_instance=1))
    assert moved.instance.tolist() == [0, 1, 1]


def test_a_session_stays_until_its_home_is_loaded():
    table = requests(range(6), 9, session=[0, 1, 0, 0, -1, 1])
    routing = Routing("session-affinity", parameters={"spill_load": 2})
    assert simulate(deployment(3, routing=routing), table).instance.tolist() == [0, 1, 0, 2, 1, 2]


def test_cold_requests_go_round():
    table = requests(range(5), 9, prompts(0, 0, 0, 8, 8))
    routing = by("no-hit-lru")
    result = simulate(deployment(3, routing=routing), table, observe=KEEP)
    assert result.instance.tolist() == [0, 1, 2, 0, 0]
    assert result.decisions["cold_stamp"][3:].tolist() == [[1, 2, 3], [4, 2, 3]]
    assert result.decisions["score"][4].tolist() == [0.5, 0.5, 0.5]


# -- who may

POOLS = (Pool(2, {"gpu": "A100"}), Pool(1, {"gpu": "H100", "lora": ["x", "y"]}))
PLACED = {
    "placements": (Placement(), Placement(requires={"lora": "x"}), Placement(avoids={"gpu": "A100"}),
                   Placement(requires={"gpu": "B200"}), Placement(prefers={"gpu": "H100", "lora": "z"})),
}  # fmt: skip


def test_placement_decides_before_anybody_is_asked():
    table = requests(range(5), 9, placement=[0, 1, 2, 3, 4], **PLACED)
    result = simulate(deployment(3, pools=POOLS), table)
    assert result.instance.tolist() == [0, 2, 2, -1, 1]
    assert result.reasons() == ["", "", "", "no-instance", ""]
    bucket = deployment(3, pools=POOLS, admission=Admission("reject-all"))
    assert simulate(bucket, table).reasons() == ["policy"] * 3 + ["no-instance", "policy"]


def test_preferences_are_a_score():
    table = requests(range(2), 9, placement=[4, 0], **PLACED)
    result = simulate(deployment(3, pools=POOLS, routing=by("soft-affinity")), table, observe=KEEP)
    assert result.decisions["preferred"].tolist() == [[0, 0, 0.5], [0, 0, 0]]
    assert result.instance.tolist() == [2, 0]


def test_filters_narrow_down_in_turn_and_never_to_nobody():
    table = requests([0, 1, 2, 103], 9, prompts(8, 0, 8, 8))
    short = Filter("load", {"max_waiting": 0})
    sticky = Filter("prefix-affinity", {"threshold": 0.5})
    batch = Signals(queue_depth=Signal(1))
    # 2 would go to 0, where somebody waits behind the first step
    apart = deployment(2, routing=Routing("least-loaded", filters=(short, sticky), signals=batch))
    assert simulate(apart, table).instance.tolist() == [0, 1, 0, 0]
    nobody = Filter("load", {"max_waiting": 0})
    full = deployment(1, routing=Routing("least-loaded", filters=(nobody,)))
    assert simulate(full, table).instance.tolist() == [0, 0, 0, 0]


def test_who_is_filtered_out_once_is_asked_again():
    # one runs at a time; 2 waits at instance 0 until 200, so that 3 goes to 1, where it waits until 900
    short = Routing("least-loaded", filters=(Filter("load", {"max_waiting": 0}),))
    scenario = deployment(2, routing=short, engine={"batch": Batch(max_running=1)})
    assert simulate(scenario, requests([0, 1, 2, 3, 350], [2, 9, 1, 1, 1])).instance.tolist() == [0, 1, 0, 1, 0]


def test_a_prompt_known_only_where_it_may_not_run_is_cold():
    table = requests(range(3), 9, prompts(8, 8, 0), placement=[0, 1, 0], **PLACED)
    stamps = seen(by("no-hit-lru"), table, "cold_stamp", 3, pools=POOLS)
    assert stamps == [[0, 0, 0], [1, 0, 0], [1, 0, 2]]


# -- random pickers


def test_the_weighted_picker_follows_its_number():
    table = requests([0] * 200, 1)
    routing = by("load-balance", picker="weighted-random")
    counts = simulate(deployment(4, routing=routing), table).instances["routed"]
    assert counts.min() > 25 and counts.sum() == 200


# -- nothing that nobody reads


def test_a_run_keeps_nothing_that_nobody_reads():
    table = requests(range(9), 9, prompts(*[8] * 9), session=[0] * 9)
    empty = ("past", "homes", "session_homes", "traits", "tenants", "bands", "flows", "samples", "decisions",
             "retry_after_us", "places", "prefix_index", "filters")  # fmt: skip
    arrays = encode(deployment(3, routing=Routing("round-robin")), table, Compat()).arrays
    assert {name: getattr(arrays, name).size for name in empty} == dict.fromkeys(empty, 0)
    assert len(arrays.signals) == 1  # the end of the run


def test_signals_of_one_age_are_read_together():
    ages = Signals(Signal(50), Signal(50), Signal(50), Signal(70))
    routing = Routing("weighted", scorers=(Scorer("queue-depth", 1), Scorer("kv-utilization", 1)), signals=ages)
    arrays = encode(deployment(3, routing=routing), requests([0]), Compat()).arrays
    assert sorted(arrays.signals.age_us.tolist()) == [0, 0, 50]  # live: pending; the end; three signals


# -- conformance


@pytest.mark.parametrize("policy", ROUTING_POLICIES)
@pytest.mark.parametrize("filters", [(), tuple(Filter(name) for name in FILTER_NAMES)])
def test_every_routing_policy_runs_and_respects_placement(policy, filters):
    table = requests(
        [17 * row for row in range(60)], 5, prompts(*[4 * (row % 3) for row in range(60)]),
        session=[row % 7 - 1 for row in range(60)], placement=[row % 3 for row in range(60)], **PLACED,
    )  # fmt: skip
    scenario = deployment(3, pools=POOLS, routing=Routing(policy, filters=filters))
    result = simulate(scenario, table)
    assert check_laws(scenario, table, result) == []
    assert set(result.status_names()) == {"completed"}
    allowed = [table.placements[number].allows for number in table.placement]
    assert all(may(scenario.replicas[i].labels) for may, i in zip(allowed, result.instance, strict=True))


@pytest.mark.parametrize("name", SCORER_NAMES)
def test_scores_of_every_scorer_lie_between_0_and_1_and_only_ratios_of_weights_matter(name):
    table = requests(
        [17 * row for row in range(60)], 5, prompts(*[4 * (row % 3) for row in range(60)]),
        session=[row % 7 - 1 for row in range(60)], placement=[row % 5 if row % 5 != 3 else 0 for row in range(60)],
        **PLACED,
    )  # fmt: skip
    runs = []
    for weight in (1, 4):
        scorers = (Scorer(name, weight), *((Scorer("load-balance", 3 * weight),) if name != "load-balance" else ()))
        scenario = deployment(3, pools=POOLS, routing=Routing("weighted", scorers=scorers, tie_break="random"))
        runs.append(simulate(scenario, table, observe=KEEP))
    assert runs[0].instance.tolist() == runs[1].instance.tolist()
    decisions = simulate(deployment(3, pools=POOLS, routing=by(name)), table, observe=KEEP).decisions
    scores = decisions["score"][decisions["eligible"] > 0]
    assert ((scores >= 0) & (scores <= 1)).all()


@pytest.mark.parametrize("policy", ADMISSION_POLICIES)
@pytest.mark.parametrize("gateway", [False, True])
def test_every_admission_policy_runs(policy, gateway):
    table = requests([5 * row for row in range(80)], 5, tenant=[row % 3 for row in range(80)],
                     slo_class=[row % 2 for row in range(80)], slo_names=("critical", "batch"))  # fmt: skip
    flow = FlowControl(enabled=gateway, max_concurrency=4, ttl_us=900, interval_us=50)
    scenario = deployment(2, admission=Admission(policy), flow_control=flow)
    result = simulate(scenario, table)
    assert check_laws(scenario, table, result) == []
    rejected = [status == "rejected" for status in result.status_names()]
    assert [bool(reason) for reason in result.reasons()] == rejected
    assert all(rejected) == (policy == "reject-all")
