"""What is printed of what a policy can carry."""

import json

from blis.sizing.text import capacity_json, capacity_text

FACTS = {
    "promises": {"critical": {"ttft_ms": 400.0, "tpot_ms": 25.0}, "batch": {"ttft_ms": 4000.0, "tpot_ms": None}},
    "target": 0.95,
    "tables": 8,
    "now": {"instances": 4, "rate": 41.0, "rate_counts": "requests", "share": 0.96875, "interval_95": [0.9375, 1.0]},
    "least_instances": {"mean": 3.5, "interval_95": [3.1, 3.9], "by_table": [3.0, 4.0] * 4, "tried": [1.0, 16.0]},
    "highest_rate": {"mean": 44.25, "interval_95": [43.0, 45.5], "by_table": [44.25] * 8, "tried": [5.125, 328.0]},
    "latency_model": {"state": "given"},
}


def test_numbers_with_intervals_and_what_lies_beyond_what_was_tried():
    assert (
        capacity_text(FACTS, "as given")
        == """\
95 % of the requests in time (critical: TTFT 400 ms, TPOT 25 ms, batch: TTFT 4000 ms); 8 tables, 95 % paired t

in time with 4 instances at 41 requests/s  96.88% [93.75%, 100.00%]
least instances at 41 requests/s           3.5 [3.1, 3.9]; 4 are enough on all 8 tables
highest rate with 4 instances              44.25 [43, 45.5] requests/s

step times as given"""
    )


def test_what_was_not_found_or_not_asked_for():
    now = {"instances": 1, "rate": 41.0, "rate_counts": "requests", "share": 0.5, "interval_95": None}
    rate = {"mean": None, "interval_95": None, "by_table": [None], "tried": [5.125, 328.0]}
    text = capacity_text({**FACTS, "tables": 1, "now": now, "least_instances": None, "highest_rate": rate}, "as given")
    assert text.splitlines()[0].endswith("; one table, no interval")
    assert text.splitlines()[2:-2] == [
        "in time with 1 instance at 41 requests/s  50.00%",
        "highest rate with 1 instance              none from 5.125 to 328 on 1 of 1 tables",
    ]


def test_the_best_that_was_tried_is_told_as_that():
    least = {"mean": 1.0, "interval_95": [1.0, 1.0], "by_table": [1.0, 1.0], "tried": [1.0, 16.0]}
    rate = {"mean": 328.0, "interval_95": [328.0, 328.0], "by_table": [328.0, 328.0], "tried": [5.125, 328.0]}
    text = capacity_text({**FACTS, "least_instances": least, "highest_rate": rate}, "as given")
    assert "  1 [1, 1]; 1 is enough on all 2 tables" in text
    assert "  at least 328 [328, 328] requests/s" in text


def test_where_the_least_that_was_tried_is_enough_fewer_may_be():
    least = {"mean": 3.0, "interval_95": [3.0, 3.0], "by_table": [3.0, 3.0], "tried": [3.0, 5.0]}
    text = capacity_text({**FACTS, "least_instances": least}, "as given")
    assert "  at most 3 [3, 3]; 3 are enough on all 2 tables" in text


def test_json_has_every_digit():
    assert json.loads(capacity_json(FACTS)) == FACTS


def test_of_conversations_the_rate_counts_starts():
    text = capacity_text({**FACTS, "now": FACTS["now"] | {"rate_counts": "conversations"}}, "as given")
    assert "in time with 4 instances at 41 conversations/s" in text
    assert "44.25 [43, 45.5] conversations/s" in text
