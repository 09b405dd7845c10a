"""Every routing template on situations whose choice can be told by hand."""

from __future__ import annotations

import numpy as np
import pytest

from blis.policies.registry import VIEW
from blis.policies.routing import ROUTING
from tests.blis.policies.situations import chosen, instances, question, ratings, scramble


def test_round_robin_takes_the_next_that_may():
    assert [chosen("round-robin", instances(3), question(turn=turn)) for turn in range(5)] == [0, 1, 2, 0, 1]
    some = instances(4, eligible=[1, 0, 0, 1])
    assert [chosen("round-robin", some, question(turn=turn)) for turn in range(5)] == [0, 3, 3, 3, 0]


def test_least_loaded_and_busiest_count_waiting_running_and_pending():
    views = instances(3, queue_depth=[2, 0, 0], batch_size=[0, 1, 1], pending=[0, 0, 2])
    assert ratings("least-loaded", views, question()) == [-2, -1, -3]
    assert chosen("least-loaded", views, question()) == 1
    assert chosen("always-busiest", views, question()) == 2


def test_weighted_adds_clamped_scores_in_proportion_to_the_weights():
    views = instances(
        3, queue_depth=[15, 3, 8], kv_utilization=[0.5, 0.2, 0.4], matched_blocks=[2, 0, 1]
    )  # the worked example of cluster-and-policies.md 4.2
    scorers = [("prefix-affinity", 3), ("queue-depth", 2), ("kv-utilization", 2)]
    found = ratings("weighted", views, question(prompt_blocks=2), scorers)
    assert found == pytest.approx([0.571428571, 0.514285714, 0.552380952], abs=1e-9)
    doubled = ratings("weighted", views, question(prompt_blocks=2), [(name, 2 * weight) for name, weight in scorers])
    assert doubled == found


@pytest.mark.parametrize("template", ["prefix-affinity", "prefix-affinity-exact"])
def test_prefix_affinity_goes_home_else_to_the_least_loaded(template):
    assert chosen(template, instances(3, home=[0, 0, 1], queue_depth=[0, 1, 99]), question()) == 2
    assert chosen(template, instances(3, queue_depth=[2, 1, 99]), question()) == 1
    away = instances(3, eligible=[1, 1, 0], home=[0, 0, 1], queue_depth=[2, 1, 0])
    assert chosen(template, away, question()) == 1


def test_session_affinity_spills_when_its_home_is_loaded():
    views = instances(3, session_home=[0, 1, 0], queue_depth=[3, 4, 2])
    assert chosen("session-affinity", views, question(), spill_load=5) == 1
    assert chosen("session-affinity", views, question(), spill_load=4) == 2
    assert chosen("session-affinity", instances(3, queue_depth=[3, 4, 2]), question()) == 2


@pytest.mark.parametrize(
    ("choices", "eligible", "load", "target"),
    [
        ((0.0, 0.0), [1, 1, 1, 1], [5, 4, 0, 0], 1),  # 0 and the first of the others
        ((0.99, 0.99), [1, 1, 1, 1], [0, 0, 4, 5], 2),  # 3 and the last of the others
        ((0.5, 0.4), [1, 1, 1, 1], [0, 7, 7, 0], 2),  # 2 and 1: a tie goes to the first drawn
        ((0.0, 0.5), [0, 1, 0, 1], [0, 9, 0, 3], 3),
        ((0.7, 0.7), [0, 0, 1, 0], [0, 0, 9, 0], 2),
    ],
)
def test_power_of_two_takes_the_less_loaded_of_two_different_ones(choices, eligible, load, target):
    ask = question(choice_1=choices[0], choice_2=choices[1])
    views = instances(4, eligible=eligible, queue_depth=load)
    assert ratings("power-of-two", views, ask) == [float(j == target) for j in range(4)]


def test_random_takes_any_that_may():
    views = instances(4, eligible=[0, 1, 1, 1])
    drawn = [chosen("random", views, question(choice_1=number)) for number in (0.0, 0.33, 0.34, 0.67, 0.999)]
    assert drawn == [1, 1, 2, 3, 3]


def test_lmetric_weighs_new_tokens_by_the_batch():
    views = instances(3, matched_blocks=[0, 2, 6], batch_size=[0, 2, 50])
    ask = question(input_tokens=100, block_tokens=16, prompt_blocks=6)
    assert ratings("lmetric", views, ask) == [-100, -68 * 3, -4 * 51]
    known = instances(1, matched_blocks=6, batch_size=1)
    assert ratings("lmetric", known, question(input_tokens=96, block_tokens=16, prompt_blocks=6)) == [-2]


@pytest.mark.parametrize("template", [name for name, one in ROUTING.items() if one.depends == VIEW])
def test_a_template_rates_each_instance_by_its_own_view(template):
    scorers = [("load-balance", 1.0), ("kv-utilization", 2.0)] if template == "weighted" else []
    views = instances(3, queue_depth=[2, 0, 5], batch_size=[1, 1, 7], pending=[0, 3, 0], kv_utilization=[0.5, 0.1, 0.9])
    whole = ratings(template, views, question(), scorers)
    ask = question(now_us=7, turn=3, input_tokens=99, choice_1=0.9)
    assert [ratings(template, views[j : j + 1], ask, scorers) for j in range(3)] == [[score] for score in whole]


@pytest.mark.parametrize("template", tuple(ROUTING))
def test_templates_depend_on_what_they_read_alone(template):
    rng = np.random.default_rng(len(template))
    scorers = [("load-balance", 1.0)] if template == "weighted" else []
    known = ROUTING[template].reads | ({"queue_depth", "batch_size", "pending"} if scorers else set())
    for _ in range(30):
        views = instances(4, eligible=[1, 0, 1, 1])
        for name in ("queue_depth", "batch_size", "pending", "matched_blocks"):
            views[name] = rng.integers(0, 5, 4)
        given = {
            "turn": 3,
            "input_tokens": 50,
            "block_tokens": 4,
            "prompt_blocks": 12,
            "choice_1": 0.4,
            "choice_2": 0.7,
        }
        before = ratings(template, views, question(**given), scorers)
        ask = question(**given)
        scramble(views, ask, known, rng)
        assert ratings(template, views, ask, scorers) == before
