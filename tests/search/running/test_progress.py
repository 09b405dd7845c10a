"""Progress: a bar for who watches, a line now and then for who does not."""

import io
import time

import pytest

from search.running.archive import Archive, Row
from search.running.evaluation import OK, Evaluation
from search.running.progress import SEARCH, Progress
from tests.search.verdict.comparisons import POLICY


class Screen(io.StringIO):
    def __init__(self, watched):
        super().__init__()
        self.watched = watched

    def isatty(self):
        return self.watched


def follow(monkeypatch, watched):
    """What a search of two generations and its validation show."""
    screen = Screen(watched)
    monkeypatch.setattr("sys.stderr", screen)
    archive, progress = Archive((), ()), Progress(candidates=40, simulations=2)
    with progress.part(SEARCH):
        for generation in range(2):
            progress.simulated(20)
            found = Evaluation("x", OK, fitness=generation / 8)
            archive.rows += [Row(i, generation, "random", {}, POLICY, found) for i in range(10)]
            progress.generation(archive, generation)
        time.sleep(0.2)  # a bar is not drawn more often than one can see
        progress.simulated(2)
    with progress.part("validation"):
        progress.simulated(3)
        time.sleep(0.2)
        progress.simulated(4)
    progress.simulated(5)  # whose part nobody follows
    return screen.getvalue()


def test_who_watches_sees_how_far_it_is_and_the_best_score(monkeypatch):
    shown = follow(monkeypatch, watched=True)
    assert " 21/40 [" in shown
    assert "generation 1, best +0.125" in shown
    assert "validation 7 simulations [" in shown
    assert shown.endswith("\r")  # the bar is taken off the screen


def test_nobody_else_does_while_it_is_short(monkeypatch):
    assert follow(monkeypatch, watched=False) == ""


def test_a_log_has_a_line_now_and_then(monkeypatch):
    monkeypatch.setattr("search.running.progress.LINE_EVERY_S", 0.15)
    assert follow(monkeypatch, watched=False).splitlines() == [
        "search: 21 of 40 candidates, generation 1, best +0.125, 0 s",
        "validation: 7 simulations, 0 s",
    ]


def test_an_interruption_takes_the_bar_away(monkeypatch):
    screen = Screen(True)
    monkeypatch.setattr("sys.stderr", screen)
    with pytest.raises(KeyboardInterrupt), Progress(10, 1).part(SEARCH):
        raise KeyboardInterrupt
    assert screen.getvalue().endswith("\r")
