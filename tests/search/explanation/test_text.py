"""The lines of an explanation."""

from search.explanation.explanation import Explanation
from search.explanation.groups import Group
from search.explanation.slices import Slice
from search.explanation.text import explained
from tests.search.verdict.comparisons import interval


def group(name, e2e_ms, before_ms=100.0):
    return Group("class", name, 7, 7, 7, 0.5, 1.0, 1.0, e2e_ms, before_ms)


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
        "50% of the gain is gone at: engine.max_running x 0.5, routing.scorers.queue-depth never (x 0.25 to 4)",
        "gains most: class gold, mean E2E -20.0% (7 requests)",
        "pays: class bronze, mean E2E +3.0% (7 requests)",
    ]


def test_nobody_pays():
    lines = explained(Explanation({}, [], {}, {}, [group("gold", 80.0), group("bronze", 90.0)], []), "x").splitlines()
    assert lines[1] == "gains least: class bronze, mean E2E -10.0% (7 requests)"


def test_nothing():
    assert explained(Explanation({}, [], {}, {}, [], []), "llm-d") == ""
