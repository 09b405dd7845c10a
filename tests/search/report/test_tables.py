"""Rows of plain tables: numbers beside each other, and what has none."""

from dataclasses import asdict

from search.report.tables import change, decisions, groups, latencies, worlds
from search.verdict.report import LATENCIES
from tests.search.verdict.comparisons import MEASURES


def test_a_change_in_percent():
    assert (change("x", 90.0, 120.0).found, change("x", 90.0, 120.0).text) == ("90.0 ms", "-25.0 %")
    assert (change("x", None, 120.0).found, change("x", None, 120.0).text) == ("none", "")
    assert change("x", 1234.5, 0.0).text == ""


def test_latencies_are_all_that_a_verdict_tells():
    rows = latencies({"winner_mean": asdict(MEASURES), "primary_mean": asdict(MEASURES)})
    assert [row.name for row in rows] == [*LATENCIES.values(), "prompt blocks found in the cache"]
    assert rows[-1].found == "75.0 %" and rows[0].text == "+0.0 %"
    assert latencies({}) == []


def test_how_many_requests_latencies_are_of_is_told_where_that_differs():
    found, primary = ({**asdict(MEASURES), "completed_requests": number} for number in (3000.0, 4000.0))
    row = latencies({"winner_mean": found, "primary_mean": primary})[0]
    assert (row.name, row.found, row.primary, row.text) == ("requests completed", "3,000.0", "4,000.0", "-25.0 %")


def test_how_many_instances_there_were_is_told_where_that_differs():
    found, primary = ({**asdict(MEASURES), "mean_instances": number} for number in (3.0, 4.0))
    row = latencies({"winner_mean": found, "primary_mean": primary})[-1]
    assert (row.name, row.found, row.primary, row.text) == ("instances, mean", "3.0", "4.0", "-25.0 %")


def group(**values):
    names = ("faster", "ttft_mean_ms", "primary_ttft_mean_ms", "e2e_mean_ms", "primary_e2e_mean_ms")
    counts = {"kind": "class", "name": "batch", "requests": 9, "completed": 7, "primary_completed": 9}
    return {**dict.fromkeys(names), **counts, **values}


def test_groups_stand_by_kind_with_who_was_not_served():
    found = groups([group(faster=0.5, e2e_mean_ms=90.0, primary_e2e_mean_ms=100.0), group(kind="tenant", name="t")])
    assert list(found) == ["class", "tenant"]
    (batch,) = found["class"]
    assert (batch.faster, batch.e2e.text, batch.left) == ("50%", "-10.0 %", (2, 0))
    assert (found["tenant"][0].faster, found["tenant"][0].e2e.text) == ("", "")


def test_decisions_have_both_sides_and_mark_who_was_chosen():
    seen = {"score": 0.5, "waiting": 1.0, "running": 2.0, "pending": 0.0, "kv_utilization": 0.25}
    told = {
        **{"why": "the first that goes elsewhere", "request_id": "r1", "arrival_s": 1.25, "input_tokens": 4000},
        **{"slo_class": "", "chosen": 0, "primary_chosen": 1, "e2e_ms": None, "primary_e2e_ms": 2500.0},
        **{"instances": {"0": seen, "1": seen}, "primary_instances": {"1": seen}},
    }
    (one,) = decisions([told], ("found", "today"))
    assert one.about == "r1, 4,000 prompt tokens, at 1.2\u00a0s"
    (name, chosen, rows, e2e), (other, _, others, other_e2e) = one.sides
    assert (name, chosen, e2e, [row.chosen for row in rows]) == ("found", 0, "not completed", [True, False])
    assert (other, other_e2e, [row.chosen for row in others]) == ("today", "2.50 s", [True])


def test_worlds_that_were_tried_and_left_out():
    left = [{"shift": name, "left_out": "none"} for name in ("skew", "burst")]
    tried, left_out = worlds([{"shift": "rate", "mean": 0.1, "t": [0, 1]}, *left])
    assert list(tried) == ["rate"] and left_out == {"none": ["skew", "burst"]}
