"""The fast engine against the recorded runs of the original simulator, `compat: original`.

`python -m tests.parity.test_engine` prints the table: case, requests, % identical, largest difference, why.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from blis.config import Compat
from blis.engine.run import simulate
from blis.scenario import load_scenario
from blis.tables.records import INSTANCE_COUNTERS
from blis.tables.results import ResultTable
from blis.workload.read.csv_requests import load_requests
from tests.parity.cases import (
    CASES,
    Agreement,
    Case,
    case_config,
    case_requests,
    compare,
    differing_totals,
    outcomes,
    recorded_outcomes,
)

EXACT = [case for case in CASES if case.exact]


@cache
def run(case: Case) -> tuple[ResultTable, Agreement]:
    table = load_requests(case_requests(case))
    scenario = load_scenario(case_config(case))
    if case.lift_horizon:
        scenario = replace(scenario, horizon_us=None)
    result = simulate(scenario, table, Compat.original())
    return result, compare(outcomes(result, table.output_tokens.tolist()), recorded_outcomes(case))


def test_the_engine_takes_all_cases_35_of_them_exactly():
    assert (len(CASES), len(EXACT)) == (44, 35)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_requests_agree_as_far_as_the_table_says(case):
    result, agreement = run(case)
    assert agreement.percent_identical >= case.floor_percent
    if not case.exact:
        assert case.mean_e2e_low <= agreement.mean_e2e_ratio <= case.mean_e2e_high
        assert set(result.status_names()) == {"completed"}
        assert not result.instances["used_blocks"].any()


@pytest.mark.parametrize("case", EXACT, ids=lambda case: case.name)
def test_totals_of_exact_cases_are_identical(case):
    result, _ = run(case)
    counters = [{name: int(row[name]) for name in INSTANCE_COUNTERS.names or ()} for row in result.instances]
    assert differing_totals(case, result.end_us, counters) == []


def test_prefix_case_preempts_less_than_the_original():
    case = next(case for case in CASES if case.name == "kv_preempt_prefix4")
    assert run(case)[0].instances["preemptions"].sum() < 37


@pytest.mark.parametrize("case", [case for case in CASES if case.tiered], ids=lambda case: case.name)
def test_a_second_tier_charges_no_more_prefill_than_one_tier_alone(case):
    scenario = load_scenario(case_config(case))
    single = replace(scenario, instance=replace(scenario.instance, kv=replace(scenario.instance.kv, cpu_blocks=0)))
    alone = simulate(single, load_requests(case_requests(case)), Compat.original())
    tiered = run(case)[0]
    assert tiered.instances["prefill_tokens"].sum() <= alone.instances["prefill_tokens"].sum()
    assert tiered.instances["cpu_hit_blocks"].sum() > 0


def main() -> None:
    print(f"{'case':28} requests  identical  largest E2E difference  mean E2E ratio  why")
    for case in CASES:
        result, found = run(case)
        print(
            f"{case.name:28} {len(result):8}  {found.percent_identical:8.1f}%  {found.max_e2e_difference_us:19} µs"
            f"  {found.mean_e2e_ratio:14.4f}  {case.note}"
        )


if __name__ == "__main__":
    main()
