from dataclasses import replace

import pytest

from blis.config import Instance, LatencyModel, Scenario, SloTier
from blis.evaluation.attainment import e2e_attainment, ttft_attainment
from blis.tables.records import NOT_ARRIVED, REJECTED
from tests.blis.handmade import make_result, make_table, with_status

SCENARIO = Scenario(instance=Instance(latency_model=LatencyModel(beta=(1, 0, 0))))


def test_shedding_raises_the_share_of_the_answered_only():
    table = make_table(10, slo_names=("critical",))
    result = make_result(table, [400_000] * 5 + [400_001] * 5)
    assert (ttft_attainment(SCENARIO, table, result).of_answered, 10) == (0.5, len(table))
    shed = ttft_attainment(SCENARIO, table, with_status(result, [8, 9], REJECTED))
    assert (shed.of_answered, shed.of_offered, shed.offered) == (5 / 8, 0.5, 10)


def test_who_has_not_come_is_not_offered():
    table = make_table(4)
    found = ttft_attainment(SCENARIO, table, with_status(make_result(table, 5), [3], NOT_ARRIVED))
    assert (found.met, found.answered, found.offered) == (3, 3, 3)


def test_targets_of_declared_tiers_and_of_requests_without_a_class():
    scenario = replace(SCENARIO, slo_tiers={"default": SloTier(ttft_ms=1), "slow": SloTier(ttft_ms=3)})
    table = make_table(4, slo_class=[0, 0, 1, 1], slo_names=("", "slow"))
    found = ttft_attainment(scenario, table, make_result(table, [1000, 2000, 3000, 4000]))
    assert found.met == 2


def test_seven_of_ten_known_are_the_originals_attainment():
    table = make_table(13, slo_class=[0] * 12 + [1], slo_names=("", "other"), output_tokens=1)
    result = with_status(make_result(table, [10] * 6 + [11] * 3 + [10] * 3 + [99]), [9, 10, 11], REJECTED)
    found = e2e_attainment(table, result, {"default": 10})
    assert found.of_answered == pytest.approx(0.7)  # a class without a target is content
    assert found.of_offered == pytest.approx(7 / 13)


def test_nobody_at_all():
    table = make_table(2)
    found = ttft_attainment(SCENARIO, table, make_result(table, 5, status=NOT_ARRIVED))
    assert (found.of_answered, found.of_offered) == (0.0, 0.0)
