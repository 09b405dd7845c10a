"""The lines of an explanation."""

from search.explanation.explanation import Explanation
from search.explanation.groups import Group
from search.explanation.slices import Slice
from search.explanation.text import explained
from tests.search.verdict.comparisons import interval


def group(name, e2e_ms, before_ms=100.0, completed=7, before=7):
    return Group("class", name, 7, completed, before, 0.5, 1.0, 1.0, e2e_ms, before_ms)


NEEDED = {"engine.max_running": interval(-0.001, 0.003), "routing.policy": interval(0.02, 0.04)}
SLICES = {
    "engine.max_running": Slice(8, (4, 8, 16), (0.0, 0.1, 0.1), (8, 16), 0.5),
    "routing.scorers.queue-depth": Slice(1.0, (0.5, 1.0), (0.1, 0.1), (0.5, 1.0), None),
}


def test_everything_there_can_be():
    groups = [group("gold", 80.0), group("bronze", 103.0), group("silver", 99.0)]
    assert explained(Explanation(NEEDED, ["preemption"], {}, SLICES, groups, []), "llm-d").splitlines() == [
        "what makes the difference from llm-d  worth   95 %",
        "  routing.policy                      +0.030  [+0.020, +0.040]",
        "  engine.max_running                  +0.001  [-0.001, +0.003]",
        "given up, worth nothing: preemption",
        "50% of the gain is gone at: engine.max_running x 0.5; nowhere from x 0.25 to 4: routing.scorers.queue-depth",
        "gains most: class gold, mean E2E -20.0% (7 requests)",
        "pays: class bronze, mean E2E +3.0% (7 requests)",
    ]


def test_nobody_pays():
    lines = explained(Explanation({}, [], {}, {}, [group("gold", 80.0), group("bronze", 90.0)], []), "x").splitlines()
    assert lines[1] == "gains least: class bronze, mean E2E -10.0% (7 requests)"


def test_who_is_not_served_any_more_is_named():
    """Latencies are of completed requests: who is sent away has none to get worse."""
    groups = [group("gold", 80.0), group("bronze", 60.0, completed=2), group("tin", 70.0, completed=6, before=5)]
    assert explained(Explanation({}, [], {}, {}, groups, []), "x").splitlines()[2:] == [
        "served less: class bronze, 2 completed for 7 (7 requests)",
        "served more: class tin, 6 completed for 5 (7 requests)",
    ]


def test_a_number_without_a_cliff():
    slices = {"routing.scorers.queue-depth": SLICES["routing.scorers.queue-depth"]}
    assert explained(Explanation({}, [], {}, slices, [], []), "x") == (
        "50% of the gain is gone at: nowhere from x 0.25 to 4: routing.scorers.queue-depth"
    )


def test_nothing():
    assert explained(Explanation({}, [], {}, {}, [], []), "llm-d") == ""
