"""The oracle against the recorded runs of the original simulator."""

from __future__ import annotations

from functools import cache

import pytest

from blis.config import Compat
from tests.oracle import OracleResult, Setup, from_csv, simulate
from tests.oracle.engine import Engine
from tests.parity_table import (
    CASES,
    REFERENCE,
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


def _id(case: Case) -> str:
    return case.name


def test_the_table_lists_every_copied_case() -> None:
    assert sorted(case.name for case in CASES) == sorted(path.name for path in REFERENCE.iterdir() if path.is_dir())


@pytest.mark.parametrize("case", EXACT, ids=_id)
def test_every_request_and_every_total_is_identical(case: Case) -> None:
    result, output_tokens, _ = _run(case)
    assert compare(outcomes(result, output_tokens), recorded_outcomes(case)).differing_rows == ()
    assert differing_totals(case, result.end_us, result.instances) == []


@pytest.mark.parametrize("case", FLOORS, ids=_id)
def test_a_case_with_preemption_agrees_as_far_as_its_floor_says(case: Case) -> None:
    result, output_tokens, _ = _run(case)
    agreement = compare(outcomes(result, output_tokens), recorded_outcomes(case))
    assert agreement.percent_identical >= case.floor_percent
    assert case.mean_e2e_low <= agreement.mean_e2e_ratio <= case.mean_e2e_high
    assert sum(instance["preemptions"] for instance in result.instances) > 0


@pytest.mark.parametrize("case", FLOORS, ids=_id)
def test_with_preemption_everything_completes_and_no_block_leaks(case: Case) -> None:
    result, _, _ = _run(case)
    assert set(result.status_names()) == {"completed"}
    assert [instance["used_blocks"] for instance in result.instances] == [0] * len(result.instances)


@pytest.mark.parametrize("case", FLOORS, ids=_id)
def test_what_leaves_before_the_first_preemption_is_identical(case: Case) -> None:
    result, output_tokens, preempted_at = _run(case)
    differing = compare(outcomes(result, output_tokens), recorded_outcomes(case)).differing_rows
    early = [row for row in differing if result.completed_us[row] <= preempted_at]
    assert early == []


def test_recomputing_preempts_less_often_than_the_original() -> None:
    case = next(case for case in CASES if case.name == "kv_preempt_prefix4")
    result, _, _ = _run(case)
    recorded = recorded_totals(case)["aggregate"]["preemptions"]
    assert sum(instance["preemptions"] for instance in result.instances) < recorded
