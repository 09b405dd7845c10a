"""The oracle against the recorded runs of the original simulator.

`python -m tests.parity.test_oracle` prints the table: case, requests, % identical, largest difference, mean E2E ratio.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from blis.config import Compat
from blis.scenario import load_scenario
from tests.oracle import OracleResult, Setup, from_csv, simulate
from tests.oracle.engine import Engine
from tests.parity.cases import (
    CASES,
    REFERENCE,
    Agreement,
    Case,
    case_config,
    case_requests,
    compare,
    differing_totals,
    outcomes,
    recorded_outcomes,
    recorded_totals,
)

EXACT = [case for case in CASES if case.exact]
FLOORS = [case for case in CASES if not case.exact]
PREEMPTED = [case for case in FLOORS if not case.tiered]
TIERED = [case for case in FLOORS if case.tiered]


@cache
def _run(case: Case) -> tuple[OracleResult, tuple[int, ...], float]:
    """Return the result, the output lengths and the time of the first preemption."""
    preempted_at: list[int] = []

    def watch(_: int, engine: Engine) -> None:
        if engine.counters["preemptions"] and not preempted_at:
            preempted_at.append(engine.counters["last_event_us"])

    requests = from_csv(case_requests(case))
    result = simulate(Setup.from_case_yaml(case_config(case)), requests, Compat.original(), watch)
    return result, tuple(len(request.output) for request in requests), min(preempted_at, default=float("inf"))


def _agreement(case: Case) -> Agreement:
    result, output_tokens, _ = _run(case)
    return compare(outcomes(result, output_tokens), recorded_outcomes(case))


def _id(case: Case) -> str:
    return case.name


def test_the_table_lists_every_copied_case() -> None:
    assert sorted(case.name for case in CASES) == sorted(path.name for path in REFERENCE.iterdir() if path.is_dir())


@pytest.mark.parametrize("case", CASES, ids=_id)
def test_a_case_means_the_same_to_the_product(case: Case) -> None:
    loaded = Setup.from_scenario(load_scenario(case_config(case)))
    assert replace(loaded, machines=(), token_bytes=0) == Setup.from_case_yaml(case_config(case))


@pytest.mark.parametrize("case", EXACT, ids=_id)
def test_every_request_and_every_total_is_identical(case: Case) -> None:
    result, _, _ = _run(case)
    assert _agreement(case).differing_rows == ()
    assert differing_totals(case, result.end_us, result.instances) == []


@pytest.mark.parametrize("case", FLOORS, ids=_id)
def test_an_inexact_case_agrees_as_far_as_its_floor_says(case: Case) -> None:
    agreement = _agreement(case)
    assert agreement.percent_identical >= case.floor_percent
    assert case.mean_e2e_low <= agreement.mean_e2e_ratio <= case.mean_e2e_high


@pytest.mark.parametrize("case", PREEMPTED, ids=_id)
def test_a_case_with_preemption_has_some(case: Case) -> None:
    result, _, _ = _run(case)
    assert sum(instance["preemptions"] for instance in result.instances) > 0


@pytest.mark.parametrize("case", FLOORS, ids=_id)
def test_everything_completes_and_no_block_leaks(case: Case) -> None:
    result, _, _ = _run(case)
    assert set(result.status_names()) == {"completed"}
    assert [instance["used_blocks"] for instance in result.instances] == [0] * len(result.instances)


@pytest.mark.parametrize("case", PREEMPTED, ids=_id)
def test_what_leaves_before_the_first_preemption_is_identical(case: Case) -> None:
    result, _, preempted_at = _run(case)
    early = [row for row in _agreement(case).differing_rows if result.completed_us[row] <= preempted_at]
    assert early == []


def test_recomputing_preempts_less_often_than_the_original() -> None:
    case = next(case for case in CASES if case.name == "kv_preempt_prefix4")
    result, _, _ = _run(case)
    recorded = recorded_totals(case)["aggregate"]["preemptions"]
    assert sum(instance["preemptions"] for instance in result.instances) < recorded


@pytest.mark.parametrize("case", TIERED, ids=_id)
def test_a_second_tier_charges_no_more_prefill_than_one_tier_alone(case: Case) -> None:
    result, _, _ = _run(case)
    single = replace(Setup.from_case_yaml(case_config(case)), cpu_blocks=0)
    alone = simulate(single, from_csv(case_requests(case)), Compat.original())
    charged, charged_alone = (
        sum(instance["prefill_tokens"] for instance in each.instances) for each in (result, alone)
    )
    assert charged <= charged_alone
    assert sum(instance["cpu_hit_blocks"] for instance in result.instances) > 0


def main() -> None:
    """Print the table of all cases."""
    print(f"{'case':28} requests  identical  largest E2E difference  mean E2E ratio")
    for case in CASES:
        result, _, _ = _run(case)
        found = _agreement(case)
        print(
            f"{case.name:28} {len(result):8}  {found.percent_identical:8.1f}%  {found.max_e2e_difference_us:19} µs"
            f"  {found.mean_e2e_ratio:14.4f}"
        )


if __name__ == "__main__":
    main()
