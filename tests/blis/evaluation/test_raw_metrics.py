from dataclasses import replace

import pytest

from blis.evaluation.raw_metrics import raw_metrics
from blis.tables.records import DROPPED, NOT_ARRIVED, REJECTED
from tests.blis.handmade import make_result, make_table, with_status


def test_counts_rates_and_both_populations():
    result = make_result(make_table(10, output_tokens=5), 2000, 500)
    result = with_status(with_status(with_status(result, [0], REJECTED), [1, 2], DROPPED), [3], NOT_ARRIVED)
    counters = result.instances.copy()
    counters["preemptions"] = 9
    found = raw_metrics(replace(result, instances=counters, end_us=2_000_000))
    assert (found.offered, found.completed, found.rejected, found.dropped) == (9, 6, 1, 2)
    assert (found.requests_per_s, found.tokens_per_s) == (3, 25)  # tokens of unfinished requests count
    assert found.preemption_rate == 1.5
    assert (found.ttft_us.count, found.ttft_us.mean, found.e2e_us.p99) == (6, 2000, 4000)


def test_nothing_is_infinite_without_time_or_completions():
    result = make_result(make_table(2), 0, status=REJECTED)
    found = raw_metrics(replace(result, end_us=0))
    assert (found.requests_per_s, found.tokens_per_s, found.preemption_rate) == (0, 0, 0)
    assert found.ttft_us.mean == pytest.approx(0)
