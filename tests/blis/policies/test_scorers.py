"""Every scorer on situations whose scores can be told by hand."""

from __future__ import annotations

import numpy as np
import pytest

from blis.policies.facts import FACTS
from blis.policies.registry import REQUEST, VIEW
from blis.policies.scorers import SCORERS
from tests.blis.policies.situations import instances, question, scores_of, scramble


@pytest.mark.parametrize(
    ("scorer", "views", "ask", "scores"),
    [
        ("prefix-affinity", {"matched_blocks": [4, 0, 1]}, {"prompt_blocks": 4}, [1, 0, 0.25]),
        ("prefix-affinity", {"matched_blocks": [0, 0, 0]}, {"prompt_blocks": 0}, [0, 0, 0]),
        ("precise-prefix-cache", {"cached_blocks": [1, 0, 200]}, {"cache_blocks": 200}, [0.005, 0, 1]),
        ("precise-prefix-cache", {"cached_blocks": [0, 0, 0]}, {"cache_blocks": 0}, [0, 0, 0]),
        ("precise-prefix-cache-2026-04", {"cached_blocks": [2, 6, 3]}, {"cache_blocks": 8}, [0, 1, 0.25]),
        ("precise-prefix-cache-2026-04", {"cached_blocks": [5, 5, 5]}, {"cache_blocks": 8}, [1, 1, 1]),
        ("no-hit-lru", {"matched_blocks": [0, 1, 0], "cold_stamp": [1, 2, 3]}, {}, [0.5, 0.5, 0.5]),
        ("no-hit-lru", {"cold_stamp": [2, 0, 1]}, {}, [0, 1, 0.5]),
        ("no-hit-lru", {"cold_stamp": [0, 4, 0]}, {}, [1, 0, 0.5]),
        ("queue-depth", {"queue_depth": [1, 0, 2], "batch_size": [1, 0, 2], "pending": [0, 0, 4]}, {}, [0.75, 1, 0]),
        ("queue-depth", {"queue_depth": [1, 0, 0], "batch_size": [0, 1, 0], "pending": [0, 0, 1]}, {}, [1, 1, 1]),
        ("queue-waiting", {"queue_depth": [1, 0, 4], "batch_size": [9, 0, 0]}, {}, [0.75, 1, 0]),
        ("kv-utilization", {"kv_utilization": [0, 0.25, 1]}, {}, [1, 0.75, 0]),
        ("load-balance", {"queue_depth": [0, 1, 0], "batch_size": [0, 0, 2], "pending": [0, 0, 1]}, {}, [1, 0.5, 0.25]),
        ("active-requests", {"in_flight": [0, 4, 3]}, {}, [1, 0, 0.25]),
        ("active-requests", {"in_flight": [2, 2, 2]}, {}, [0, 0, 0]),
        ("running-requests", {"batch_size": [2, 4, 6]}, {}, [1, 0.5, 0]),
        ("load-aware", {"queue_depth": [0, 64, 500]}, {}, [0.5, 0.25, 0]),
        ("vllm-dp", {"queue_depth": [1, 0, 0], "batch_size": [0, 2, 4]}, {}, [0, 1, 0]),
        ("token-load", {"in_flight_tokens": [0, 1_048_576, 8_388_608]}, {}, [1, 0.75, 0]),
        ("session-affinity", {"session_home": [0, 1, 0]}, {}, [0, 1, 0]),
        ("soft-affinity", {"preferred": [0, 0.5, 1]}, {}, [0, 0.5, 1]),
        (
            "lora-affinity",
            {"adapter_active": [1, 0, 0], "adapters": [4, 3, 4], "max_loras": [4, 4, 4]},
            {},
            [1, 0.8, 0],
        ),
        (
            "lora-affinity",
            {"adapter_waits": [1, 1, 0], "adapters": [2, 1, 0], "max_loras": [2, 2, 0]},
            {},
            [0.6, 0.8, 0],
        ),
    ],
)
def test_scores(scorer, views, ask, scores):
    assert scores_of(scorer, instances(3, **views), question(**ask)) == scores


@pytest.mark.parametrize(
    ("scorer", "given", "views", "scores"),
    [
        ("active-requests", {"idle_threshold": 2}, {"in_flight": [2, 3, 4, 8]}, [1, 0.625, 0.5, 0]),
        ("active-requests", {"max_busy_score": 0.5}, {"in_flight": [0, 1, 4, 8]}, [1, 0.4375, 0.25, 0]),
        ("active-requests", {"idle_threshold": 1, "max_busy_score": 0}, {"in_flight": [0, 1, 2, 8]}, [1, 1, 0, 0]),
        ("active-requests", {"idle_threshold": 9}, {"in_flight": [0, 1, 2, 8]}, [1, 1, 1, 1]),
        ("load-aware", {"threshold": 4}, {"queue_depth": [0, 1, 4, 5]}, [0.5, 0.375, 0, 0]),
        ("token-load", {"queue_threshold_tokens": 100}, {"in_flight_tokens": [0, 25, 100, 101]}, [1, 0.75, 0, 0]),
    ],
)
def test_parameters(scorer, given, views, scores):
    assert scores_of(scorer, instances(4, **views), question(), **given) == scores


def test_every_scorer_has_a_situation():
    parameters = next(mark for mark in test_scores.pytestmark if mark.name == "parametrize").args[1]
    assert {case[0] for case in parameters} == set(SCORERS)


@pytest.mark.parametrize(
    ("scorer", "views", "scores"),
    [
        ("queue-depth", {"queue_depth": [0, 3, 100]}, [1, 0]),
        ("queue-waiting", {"queue_depth": [4, 3, 0]}, [0, 1]),
        ("active-requests", {"in_flight": [2, 4, 100]}, [0.5, 0]),
        ("active-requests", {"in_flight": [0, 0, 5]}, [1, 1]),
        ("precise-prefix-cache-2026-04", {"cached_blocks": [1, 1, 9]}, [1, 1]),
        ("no-hit-lru", {"matched_blocks": [0, 0, 7], "cold_stamp": [5, 1, 0]}, [0, 1]),
    ],
)
def test_who_is_not_eligible_does_not_count(scorer, views, scores):
    assert scores_of(scorer, instances(3, eligible=[1, 1, 0], **views), question(prompt_blocks=9)) == scores


@pytest.mark.parametrize("scorer", tuple(SCORERS))
def test_one_alone_gets_a_score(scorer):
    (score,) = scores_of(scorer, instances(1), question())
    assert 0.0 <= score <= 1.0


@pytest.mark.parametrize("scorer", tuple(SCORERS))
def test_scores_lie_between_0_and_1_and_depend_on_what_the_scorer_reads_alone(scorer):
    rng = np.random.default_rng(len(scorer))
    for _ in range(50):
        count = int(rng.integers(1, 6))
        views = instances(count, eligible=rng.integers(0, 2, count))
        views.eligible[rng.integers(count)] = 1
        blocks = int(rng.integers(0, 9))
        for name in ("queue_depth", "batch_size", "pending", "in_flight", "in_flight_tokens", "cold_stamp"):
            views[name] = rng.integers(0, 9, count)
        for name in ("matched_blocks", "cached_blocks"):
            views[name] = rng.integers(0, blocks + 1, count)
        views.kv_utilization, views.preferred = rng.random(count), rng.random(count)
        views.session_home = rng.integers(0, 2, count)
        plain = scores_of(scorer, views, question(prompt_blocks=blocks, cache_blocks=blocks))
        assert all(0.0 <= score <= 1.0 for score in plain)
        ask = question(prompt_blocks=blocks, cache_blocks=blocks)
        scramble(views, ask, SCORERS[scorer].reads, rng)
        assert scores_of(scorer, views, ask) == plain
    assert SCORERS[scorer].reads <= set(FACTS)


@pytest.mark.parametrize("scorer", [name for name, template in SCORERS.items() if template.depends != REQUEST])
def test_a_scorer_depends_on_no_more_than_it_promises(scorer):
    rng, fields = np.random.default_rng(len(scorer)), ("queue_depth", "batch_size", "pending", "in_flight")
    for _ in range(20):
        views = instances(4, **{field: rng.integers(0, 9, 4) for field in fields})
        views.in_flight_tokens, views.kv_utilization = rng.integers(0, 9_000_000, 4), rng.random(4)
        scores = scores_of(scorer, views, question())
        ask = question(now_us=7, turn=3, input_tokens=99, prompt_blocks=5, cache_blocks=6, block_tokens=16)
        assert scores_of(scorer, views, ask) == scores
        if SCORERS[scorer].depends == VIEW:
            assert [scores_of(scorer, views[j : j + 1], ask) for j in range(4)] == [[score] for score in scores]


@pytest.mark.parametrize(
    ("scorer", "field"),
    [
        ("queue-depth", "queue_depth"),
        ("queue-waiting", "queue_depth"),
        ("load-balance", "batch_size"),
        ("load-aware", "queue_depth"),
        ("running-requests", "batch_size"),
        ("vllm-dp", "batch_size"),
        ("active-requests", "in_flight"),
        ("token-load", "in_flight_tokens"),
        ("kv-utilization", "kv_utilization"),
    ],
)
def test_more_load_never_scores_better(scorer, field):
    views = instances(5, **{field: np.array([0, 1, 2, 5, 9]) / (10 if field == "kv_utilization" else 1)})
    scores = scores_of(scorer, views, question())
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > scores[-1]
