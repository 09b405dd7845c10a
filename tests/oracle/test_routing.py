"""The oracle's filters, templates, scorers and pickers on situations with numbers worked out by hand."""

from __future__ import annotations

import pytest

from blis.config import Compat
from blis.tables.placement import Placement
from tests.oracle import Setup
from tests.oracle.fakes import Seen, job
from tests.oracle.router import Router
from tests.oracle.scorers import SCORERS, Question


class Remembered:
    """A router's memory written by hand."""

    def __init__(self, matched=(0, 0, 0), session_home=None, cold_stamps=(-1, -1, -1)) -> None:
        self.matched, self._session_home, self.cold_stamps = matched, session_home, cold_stamps

    def full_blocks(self, job):
        return job.prompt_tokens // 4

    def matched_blocks(self, j, _):
        return self.matched[j]

    def is_cold(self, _, among):
        return not any(self.matched[j] for j in among)

    def session_home(self, _):
        return self._session_home


# EffectiveLoad 5, 3, 5; four full blocks
VIEW = Seen(
    queue=[4, 0, 2],
    batch=[1, 3, 2],
    used=[0.5, 0.2, 0.4],
    on_the_way=[0, 0, 1],
    active=[5, 3, 0],
    active_tokens=[8_000_000, 0, 1_048_576],
    cached=[1, 3, 2],
    labels=[{"gpu": "H100"}, {"gpu": "A100", "lora": ["x", "y"]}, {"gpu": "H100", "lora": "x"}],
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("prefix-affinity", {0: 0.0, 1: 0.5, 2: 1.0}),
        ("precise-prefix-cache", {0: 0.25, 1: 0.75, 2: 0.5}),
        ("precise-prefix-cache-2026-04", {0: 0.0, 1: 1.0, 2: 0.5}),
        ("no-hit-lru", {0: 0.5, 1: 0.5, 2: 0.5}),
        ("queue-depth", {0: 0.0, 1: 1.0, 2: 0.0}),
        ("queue-waiting", {0: 0.0, 1: 1.0, 2: 0.5}),
        ("kv-utilization", {0: 0.5, 1: 0.8, 2: 0.6}),
        ("load-balance", {0: 1 / 6, 1: 1 / 4, 2: 1 / 6}),
        ("active-requests", {0: 0.0, 1: 0.4, 2: 1.0}),
        ("running-requests", {0: 1.0, 1: 0.0, 2: 0.5}),
        ("load-aware", {0: 0.484375, 1: 0.5, 2: 0.4921875}),
        ("vllm-dp", {0: 0.0, 1: 1.0, 2: 0.5}),  # 17, 3, 10
        ("token-load", {0: 0.0, 1: 1.0, 2: 0.75}),
        ("session-affinity", {0: 0.0, 1: 0.0, 2: 1.0}),
        ("soft-affinity", {0: 0.5, 1: 0.5, 2: 1.0}),
    ],
)
def test_scores(name, expected):
    wish = Placement(prefers={"gpu": "H100", "lora": "x"})
    ask = Question(job(placement=wish), (0, 1, 2), VIEW, Remembered((0, 2, 4), session_home=2), 4)
    assert SCORERS[name](ask) == pytest.approx(expected)


def test_scores_compare_only_the_instances_that_are_left():
    ask = Question(job(), (0, 2), VIEW, Remembered((0, 2, 4)), 4)
    assert SCORERS["queue-waiting"](ask) == {0: 0.0, 2: 1.0}
    assert SCORERS["precise-prefix-cache-2026-04"](ask) == {0: 0.0, 2: 1.0}
    assert SCORERS["queue-depth"](ask) == {0: 1.0, 2: 1.0}  # equal
    assert SCORERS["active-requests"](ask) == {0: 0.0, 2: 1.0}


def test_scores_without_a_full_block_or_any_request_in_flight():
    ask = Question(job(tokens=3), (0, 1), Seen([0, 0]), Remembered(), 0)
    assert SCORERS["prefix-affinity"](ask) == {0: 0.0, 1: 0.0}
    assert SCORERS["active-requests"](ask) == {0: 1.0, 1: 1.0}
    assert SCORERS["precise-prefix-cache"](ask) == {0: 0.0, 1: 0.0}
    assert SCORERS["precise-prefix-cache-2026-04"](ask) == {0: 1.0, 1: 1.0}


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("active-requests", {"idle_threshold": 3, "max_busy_score": 0.5}, {0: 0.0, 1: 1.0, 2: 1.0}),
        ("active-requests", {"idle_threshold": 2, "max_busy_score": 0.5}, {0: 0.0, 1: 0.2, 2: 1.0}),
        ("load-aware", {"threshold": 4}, {0: 0.0, 1: 0.5, 2: 0.25}),
        ("token-load", {"queue_threshold_tokens": 2_097_152}, {0: 0.0, 1: 1.0, 2: 0.5}),
    ],
)
def test_scores_with_parameters(name, given, expected):
    ask = Question(job(), (0, 1, 2), VIEW, Remembered(), 4, given)
    assert SCORERS[name](ask) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("stamps", "among", "expected"),
    [
        ((-1, 7, 3), (0, 1, 2), {0: 1.0, 1: 0.0, 2: 0.5}),
        ((-1, -1, 3), (0, 1, 2), {0: 1.0, 1: 0.5, 2: 0.0}),
        ((5, 7, 3), (0, 1), {0: 1.0, 1: 0.0}),
        ((5, 7, 3), (1,), {1: 1.0}),
    ],
)
def test_cold_requests_rank_instances_by_their_last_cold_request(stamps, among, expected):
    ask = Question(job(), among, VIEW, Remembered(cold_stamps=stamps), 4)
    assert SCORERS["no-hit-lru"](ask) == expected


def router(view, compat=None, **setup):
    return Router(Setup(alpha=(0, 0, 0), instances=len(view), block_size_tokens=4, **setup), compat or Compat(), view)


def test_the_worked_example_of_the_default_profile():
    view = Seen(queue=[15, 3, 8], used=[0.5, 0.2, 0.4])
    weighted = router(view, routing="weighted")
    weighted.memory = Remembered((4, 0, 2))
    weighted.memory.routed = lambda *_: None
    target, scores = weighted.choose(job())
    assert (target, scores) == (0, pytest.approx({0: 0.571428, 1: 0.514285, 2: 0.552380}, abs=1e-6))


def test_round_robin_skips_who_may_not_and_counts_decisions():
    view = Seen([0] * 4, labels=[{"gpu": "a"}, {"gpu": "b"}, {"gpu": "b"}, {"gpu": "a"}])
    turns = router(view, routing="round-robin")
    only_a, anywhere = Placement(requires={"gpu": "a"}), Placement()
    wishes = [anywhere, only_a, only_a, anywhere, anywhere, only_a]
    assert [turns.choose(job(row, placement=wish))[0] for row, wish in enumerate(wishes)] == [0, 3, 3, 3, 0, 3]


def test_load_templates_break_ties_as_they_are_told():
    view = Seen([2, 1, 1, 2])
    assert router(view, routing="least-loaded").choose(job()) == (1, {0: -2, 1: -1, 2: -1, 3: -2})
    assert router(view, routing="least-loaded", tie_break="random").choose(job(uniform=0.5))[0] == 2
    assert router(view, routing="always-busiest").choose(job())[0] == 0
    assert router(view, routing="always-busiest", tie_break="random").choose(job(uniform=0.99))[0] == 3


@pytest.mark.parametrize(
    ("u1", "u2", "queue", "expected"),
    [
        (0.0, 0.0, [1, 1, 0, 0], 0),  # 0 against 1: a at a tie
        (0.0, 0.4, [1, 1, 0, 0], 2),  # 0 against the second of 1, 2, 3
        (0.5, 0.99, [1, 1, 0, 0], 2),  # 2 against 3, a tie
        (0.99, 0.0, [0, 1, 0, 1], 0),  # 3 against 0
    ],
)
def test_power_of_two_compares_two_different_instances(u1, u2, queue, expected):
    choice = router(Seen(queue), routing="power-of-two", tie_break="random")
    assert choice.choose(job(draws={"choice-1": u1, "choice-2": u2}))[0] == expected


def test_random_takes_any_eligible_instance():
    view = Seen([9, 0, 0], labels=[{}, {"x": "1"}, {}])
    choice = router(view, routing="random")
    draws = {"choice-1": 0.5}
    assert choice.choose(job(draws=draws))[0] == 1
    assert choice.choose(job(draws=draws, placement=Placement(avoids={"x": "1"})))[0] == 2
    alone = router(Seen([3]), routing="power-of-two")
    assert alone.choose(job(draws={"choice-1": 0.9, "choice-2": 0.9}))[0] == 0


def test_lmetric_multiplies_new_tokens_by_batch_size():
    view = Seen([3, 1, 0])
    metric = router(view, routing="lmetric")
    assert metric.choose(job(tokens=17)) == (2, {0: -68, 1: -34, 2: -17})
    view.queue[2] = 39
    assert metric.choose(job(tokens=17)) == (1, {0: -68, 1: -34, 2: -40})  # 1 new token x 40
    assert metric.choose(job(tokens=16))[1] == {0: -64, 1: -2, 2: -40}  # never less than one token


def test_prefix_affinity_goes_to_the_home_of_the_deepest_block():
    view = Seen([0, 1, 2])
    affine = router(view, routing="prefix-affinity")
    assert affine.choose(job(tokens=8))[0] == 0
    view.queue[:] = [5, 0, 2]
    assert affine.choose(job(tokens=12)) == (0, {0: 1, 1: 0, 2: -2})
    assert affine.choose(job(tokens=12, first=100))[0] == 1
    assert affine.choose(job(tokens=3))[0] == 1  # no full block: no home
    assert affine.choose(job(tokens=12), forced=2)[0] == 2  # all its blocks move
    assert affine.choose(job(tokens=4))[0] == 2


def test_a_home_that_is_not_eligible_does_not_count_nor_do_shallower_ones():
    view = Seen([0, 5, 1], labels=[{}, {"x": "1"}, {}])
    affine = router(view, routing="prefix-affinity")
    assert [affine.choose(job(tokens=4), forced=2)[0], affine.choose(job(tokens=8), forced=1)[0]] == [2, 1]
    assert affine.choose(job(tokens=4), forced=2)[0] == 2
    assert affine.choose(job(tokens=8, placement=Placement(avoids={"x": "1"})))[0] == 0
    assert affine.choose(job(tokens=8))[0] == 0  # which is its home now


@pytest.mark.parametrize(
    ("routing", "compat"), [("prefix-affinity-exact", Compat()), ("prefix-affinity", Compat(exact_prefix_home=True))]
)
def test_exact_affinity_knows_whole_prompts_only(routing, compat):
    view = Seen([0, 1, 2])
    affine = router(view, compat, routing=routing)
    assert affine.choose(job(tokens=8))[0] == 0
    view.queue[:] = [5, 0, 2]
    assert affine.choose(job(tokens=12))[0] == 1
    assert affine.choose(job(tokens=10))[0] == 0
    assert affine.choose(job(tokens=3))[0] == 1
    view.queue[:] = [5, 9, 2]
    assert affine.choose(job(tokens=3))[0] == 1
    assert affine.choose(job(tokens=2))[0] == 2


def test_a_session_stays_at_home_until_it_spills():
    view = Seen([3, 1])
    sticky = router(view, routing="session-affinity", routing_parameters={"spill_load": 5})
    assert sticky.choose(job(session=7))[0] == 1
    view.queue[:] = [0, 4]
    assert sticky.choose(job(session=7)) == (1, {0: 0, 1: 1})
    view.queue[1] = 5
    assert sticky.choose(job(session=7)) == (0, {0: 0, 1: -5})
    view.queue[:] = [2, 0]
    assert sticky.choose(job(session=7))[0] == 0  # it moved
    assert sticky.choose(job(session=8))[0] == 1
    assert sticky.choose(job())[0] == 1  # without a session


def test_sticky_until_saturated():
    filters = (("prefix-affinity", {"threshold": 0.5, "prefill_tokens_per_s": 1000, "max_queueing_penalty_ms": 200}),)
    view = Seen([9, 9, 0], active_tokens=[400, 300, 100])
    sticky = router(view, routing="least-loaded", filters=filters)
    for target in (0, 1):
        sticky.choose(job(tokens=8), forced=target)
    assert set(sticky.choose(job(tokens=16), forced=0)[1]) == {0, 1}  # (300 - 100) / 1000 s = 200 ms
    assert sticky.choose(job(tokens=20), forced=2)[1] == {0: -9, 1: -9, 2: 0}  # only 0 knows 3 of 5 blocks: 300 ms
    assert set(sticky.choose(job(tokens=20))[1]) == {0, 2}  # and now 2 does
    assert set(sticky.choose(job(tokens=12, first=50))[1]) == {0, 1, 2}  # unknown: nobody would be left
    assert set(sticky.choose(job(tokens=3))[1]) == {0, 1, 2}  # no full block


def test_filters_work_one_after_the_other():
    view = Seen([3, 2, 0])
    filters = (("load", {"max_waiting": 2}), ("prefix-affinity", {}))
    chosen = router(view, routing="least-loaded", filters=filters)
    chosen.choose(job(tokens=8), forced=0)
    assert set(chosen.choose(job(tokens=8), forced=1)[1]) == {1, 2}  # who knows it is too long
    assert set(chosen.choose(job(tokens=8))[1]) == {1}
    view.queue[:] = [3, 3, 3]
    assert set(chosen.choose(job(tokens=8, first=90))[1]) == {0, 1, 2}


def test_a_request_is_cold_if_nobody_left_by_the_filters_matches():
    view = Seen([9, 0, 0])
    weighted = router(view, routing="weighted", scorers=(("no-hit-lru", 1.0),), filters=(("load", {"max_waiting": 2}),))
    weighted.choose(job(tokens=8), forced=0)
    assert weighted.choose(job(tokens=8)) == (1, {1: 1.0, 2: 0.0})
    assert weighted.choose(job(tokens=8)) == (1, {1: 0.5, 2: 0.5})
    assert weighted.choose(job(tokens=8, first=60)) == (2, {1: 0.0, 2: 1.0})


@pytest.mark.parametrize(("u", "target"), [(0.0, 1), (0.24, 1), (0.25, 2), (0.99, 2)])
def test_a_weighted_draw_picks_in_proportion_to_the_scores(u, target):
    view = Seen([3, 2, 0])  # scores 0, 1/3, 1
    drawn = router(view, routing="weighted", scorers=(("queue-waiting", 2.0),), picker="weighted-random")
    assert drawn.choose(job(draws={"picker": u}))[0] == target


def test_a_weighted_draw_without_any_score_is_even():
    view = Seen([1, 1, 1, 1], used=[1.0] * 4)
    drawn = router(view, routing="weighted", scorers=(("kv-utilization", 1.0),), picker="weighted-random")
    assert [drawn.choose(job(draws={"picker": u}))[0] for u in (0.0, 0.25, 0.74, 0.99)] == [0, 1, 2, 3]
