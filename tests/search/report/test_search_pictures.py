"""Pictures of the search: what they say, and that nothing to show is no trouble."""

import re
from itertools import pairwise

import pytest

from search.report.search_pictures import convergence, front_pictures, slice_pictures


def candidate(index, fitness, name="", origin="baseline", status="ok"):
    texts = {"index": str(index), "fitness": "" if fitness is None else str(fitness), "status": status}
    return {**texts, "name": name, "origin": origin if name else "random"}


def test_convergence_counts_candidates_and_names_baselines():
    rows = [
        candidate(0, 0.0, "llm-d"),
        candidate(1, -9.0, "bad"),
        candidate(2, 0.2, "mine", "seed"),
        candidate(3, None),
    ]
    found = convergence(rows, "llm-d")
    assert ">mine<" not in found.svg
    assert "among 3 candidates; 1 lie below" in found.detail
    assert ">llm-d<" in found.svg and ">bad<" not in found.svg


def test_the_primary_baseline_is_seen_however_much_better_the_best_is():
    assert ">llm-d<" in convergence([candidate(0, 0.0, "llm-d"), candidate(1, 5.0)], "llm-d").svg


def test_names_of_baselines_that_are_close_to_the_best_stay_in_the_picture():
    names = [f"rule{i}" for i in range(9)]
    rows = [candidate(0, 0.0, "llm-d"), *(candidate(i + 1, 0.5 + i / 1000, name) for i, name in enumerate(names))]
    svg = convergence(rows, "llm-d").svg
    height = float(re.search(r'viewBox="0 0 \S+ (\S+)"', svg)[1])
    places = [float(re.search(rf'y="(\S+?)"[^>]*>{name}<', svg)[1]) for name in names]
    assert places == sorted(places, reverse=True) and places[-1] > 0 and places[0] < height
    assert min(low - high for low, high in pairwise(places)) > 5


def test_a_candidate_that_a_race_stopped_is_never_the_best_so_far():
    def drawn(status):
        rows = [candidate(0, 0.0, "llm-d"), candidate(1, 0.3, status=status), candidate(2, 0.1), candidate(3, 0.4)]
        return convergence(rows, "llm-d").svg

    assert drawn("stopped") != drawn("ok")


def test_a_search_without_a_score_has_no_convergence():
    assert convergence([candidate(0, None)], "llm-d") is None
    assert convergence([], "llm-d") is None


def line(cliff, scores=(0.1, 0.2, 0.2)):
    return {"value": 4.0, "values": [2.0, 4.0, 8.0], "scores": list(scores), "plateau": [4.0, 8.0], "cliff": cliff}


def test_slices_say_where_the_cliff_is():
    near, none, gap = slice_pictures({"a.b": line(0.5), "a.c": line(None), "a.d": line(0.5, (None, 0.2, -5.0))})
    assert (near.caption, near.detail) == ("a.b", "4; cliff at ×\u202f0.5")
    assert none.detail == "4; no cliff from ×\u202f0.25 to 4"
    assert "stroke-dasharray" in near.svg and "stroke-dasharray" not in none.svg
    assert gap.svg.startswith("<svg")


@pytest.mark.filterwarnings("error")
def test_the_front_has_a_picture_an_objective_but_the_first():
    rows = [{"tail": "-0.1", "tpot": "0.2", "undone": "0.0"}, {"tail": "-0.2", "tpot": "9.0", "undone": "0.1"}]
    tpot, undone = front_pictures(rows, ("tail", "tpot", "undone"))
    assert tpot.caption == "time per output token" and tpot.detail == "1 of 2 far below"
    assert undone.detail == ""
    assert list(front_pictures([], ("tail", "tpot"))) == list(front_pictures(rows, ())) == []
