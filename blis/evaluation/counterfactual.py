"""What if: the run again with one request sent elsewhere, and what that changes for it and for everybody.

Re-scoring only tells how good another choice looked (decisions.py). Here it is taken: the same requests, the same
policy, all later decisions made anew in the changed cluster. Exact, at the price of a run for each choice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blis.config import Compat, Scenario
from blis.engine.observe import Observe
from blis.engine.run import simulate
from blis.errors import InputError, check_integer
from blis.evaluation.decisions import instance_name
from blis.tables.records import COMPLETED
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable


@dataclass(frozen=True)
class WhatIf:
    """One other choice, as differences "with it" minus "as it was", so below zero it would have been better.

    Times in µs, None where one of the two runs has none. Means are over requests that have the time in both runs.
    """

    row: int
    chosen: int  # the instance it went to
    instead: int
    ttft_us: int | None
    e2e_us: int | None
    mean_ttft_us: float | None
    mean_e2e_us: float | None
    completed: int  # more requests completed


def what_if(
    scenario: Scenario,
    table: RequestTable,
    result: ResultTable,
    row: int,
    instances: Sequence[int] | None = None,
    compat: Compat | None = None,
) -> list[WhatIf]:
    """Replay a run with request `row` sent to each of `instances` (all others if left out), in their order.

    result: of the run as it was, made with the same `compat`. Raises InputError for a request that was not routed
    and for instances that do not exist.
    """
    check_integer("row", row, 0, len(table) - 1)
    chosen = int(result.instance[row])
    if chosen < 0:
        raise InputError(f"request {table.request_id(row)} was not routed: there is no choice to change")
    if instances is None:
        instances = [j for j in range(len(result.instances)) if j != chosen]
    found = []
    for instead in instances:
        check_integer("instance", instead, 0, len(result.instances) - 1)
        other = simulate(scenario, table, compat, Observe(forced_row=row, forced_instance=instead))
        found.append(_difference(result, other, row, instead))
    return found


def realised_regret_us(alternatives: Sequence[WhatIf]) -> int:
    """By how much the request's E2E exceeds the best of the alternatives that let it complete, at least 0."""
    return max([0, *(-found.e2e_us for found in alternatives if found.e2e_us is not None)])


def replay_records(
    scenario: Scenario,
    table: RequestTable,
    result: ResultTable,
    choices: Mapping[int, Sequence[int]],
    compat: Compat | None = None,
) -> list[dict[str, Any]]:
    """One plain record a row of `choices`: what each of its other instances would have changed, in ms.

    The realised regret is how much later the request ended than with the best of them, at least 0.
    """
    records = []
    for row, instances in choices.items():
        found = what_if(scenario, table, result, row, instances, compat)
        records.append(
            {
                "request_id": table.request_id(row),
                "chosen_instance": instance_name(int(result.instance[row])),
                "realised_regret_ms": realised_regret_us(found) / 1000,
                "instead": [_plain(other) for other in found],
            }
        )
    return records


def _plain(other: WhatIf) -> dict[str, Any]:
    times = {name: getattr(other, name) for name in ("ttft_us", "e2e_us", "mean_ttft_us", "mean_e2e_us")}
    return {
        "instance": instance_name(other.instead),
        **{f"{name[:-3]}_change_ms": None if value is None else value / 1000 for name, value in times.items()},
        "completed_change": other.completed,
    }


def _difference(was: ResultTable, other: ResultTable, row: int, instead: int) -> WhatIf:
    completed = [int(np.count_nonzero(result.status == COMPLETED)) for result in (was, other)]
    return WhatIf(
        row=row,
        chosen=int(was.instance[row]),
        instead=instead,
        ttft_us=_own(was.ttft_us, other.ttft_us, row),
        e2e_us=_own(was.e2e_us, other.e2e_us, row),
        mean_ttft_us=_mean(was.ttft_us, other.ttft_us),
        mean_e2e_us=_mean(was.e2e_us, other.e2e_us),
        completed=completed[1] - completed[0],
    )


def _own(was_us: NDArray[np.int64], other_us: NDArray[np.int64], row: int) -> int | None:
    """The difference of one row."""
    known = was_us[row] >= 0 and other_us[row] >= 0
    return int(other_us[row] - was_us[row]) if known else None


def _mean(was_us: NDArray[np.int64], other_us: NDArray[np.int64]) -> float | None:
    """The mean difference over rows that have both."""
    both = (was_us >= 0) & (other_us >= 0)
    return float((other_us - was_us)[both].mean()) if both.any() else None
