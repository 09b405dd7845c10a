from dataclasses import replace

import numpy as np
import pytest

from blis.comparison.measures import MEASURES, rows_of
from blis.config import Instance, LatencyModel, Scenario
from blis.tables.records import QUEUED, REJECTED
from tests.blis.handmade import make_result, make_table, with_status

SCENARIO = Scenario(instance=Instance(latency_model=LatencyModel(beta=(1, 0, 0))))


def measured(table, result) -> dict[str, float]:
    rows = rows_of(SCENARIO, table, result)
    return {name: measure.of(rows) for name, measure in MEASURES.items()}


def test_every_measure():
    table = make_table(11, slo_names=("critical",), output_tokens=[11] * 10 + [1])
    result = make_result(table, [100_000] * 5 + [400_000, 400_001] + [200_000] * 4, 10_000)
    result = with_status(with_status(result, [7], REJECTED), [8], QUEUED)
    found = measured(table, result)
    assert found["TTFT mean"] == pytest.approx((500 + 400 + 400.001 + 400) / 9)
    assert found["TTFT p99"] == pytest.approx(np.percentile([100] * 5 + [400, 400.001, 200, 200], 99))
    assert found["TPOT mean"] == pytest.approx(10)
    ttft_ms = [100] * 5 + [400, 400.001, 200, 200]
    assert found["E2E mean"] == pytest.approx(np.mean(ttft_ms) + 8 * 100 / 9)  # one has a single token
    assert found["in time"] == pytest.approx(100 * 8 / 11)
    assert found["goodput"] == pytest.approx(8 / 0.010)
    assert found["rejected"] == pytest.approx(100 / 11)
    assert found["not served"] == pytest.approx(200 / 11)


def test_the_99th_percentile_is_not_another():
    found = measured(make_table(101), make_result(make_table(101), 1000 * np.arange(101), 1000))
    assert (found["TTFT p99"], found["E2E p99"]) == pytest.approx((99, 109))


def test_the_warm_up_of_a_window_does_not_count():
    table = replace(make_table(4), scored=(2, 4))
    found = measured(table, make_result(table, [9000, 9000, 1000, 3000]))
    assert found["TTFT mean"] == 2.0


def test_the_tail_of_e2e_is_of_the_whole_run():
    table = replace(make_table(4), scored=(2, 4))
    assert rows_of(SCENARIO, table, make_result(table, [9000, 9000, 1000, 3000])).e2e_p99_ms == 9.0
    assert rows_of(SCENARIO, table, make_result(table, 0, status=REJECTED)).e2e_p99_ms == 0.0


def test_nothing_served_is_not_a_number():
    table = make_table(2)
    found = measured(table, make_result(table, 0, status=REJECTED))
    assert np.isnan(found["TTFT mean"]) and np.isnan(found["TTFT p99"]) and np.isnan(found["TPOT mean"])
    assert (found["in time"], found["rejected"]) == (0, 100)


def test_rows_drawn_again():
    table = make_table(3)
    rows = rows_of(SCENARIO, table, with_status(make_result(table, [4000, 1000, 2000], [1, 3, 2]), [1], REJECTED))
    drawn = rows.take(np.array([0, 2, 2, 1, 1]))
    assert MEASURES["TTFT mean"].of(drawn) == pytest.approx((4 + 2 + 2) / 3)
    assert MEASURES["TPOT mean"].of(drawn) == pytest.approx((1 + 2 + 2) / 3 / 1000)
    assert MEASURES["rejected"].of(drawn) == 40
    assert drawn.span_s == rows.span_s
