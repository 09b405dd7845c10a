"""Service level objectives: targets per class of requests, and which requests met them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from blis.config import MAX_TIME_US, MAX_WEIGHT
from blis.errors import InputError, check_integer, check_number, unknown_name
from blis.evaluation.itl import all_gaps
from blis.sums import total
from blis.tables.records import COMPLETED
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable

#: The percentile of a request's gaps that a class may have a target for.
ITL_PERCENT = 99.0


@dataclass(frozen=True)
class SLOClass:
    """What one class of requests was promised, and how much it counts."""

    name: str
    ttft_us: int  # target of the time to the first token
    tpot_us: int  # target of the time per further output token
    weight: float  # in the score, relative to those of the others
    itl_p99_us: int | None = None  # target of the 99th percentile of a request's gaps between tokens

    def __post_init__(self) -> None:
        """Check that targets are positive and the weight is not negative."""
        check_integer(f"SLO class {self.name!r}: ttft_us", self.ttft_us, 1, MAX_TIME_US)
        check_integer(f"SLO class {self.name!r}: tpot_us", self.tpot_us, 1, MAX_TIME_US)
        check_number(f"SLO class {self.name!r}: weight", self.weight, 0, MAX_WEIGHT)
        if self.itl_p99_us is not None:
            check_integer(f"SLO class {self.name!r}: itl_p99_us", self.itl_p99_us, 1, MAX_TIME_US)


class Targets(NamedTuple):
    """The targets of every request of a table."""

    declared: NDArray[np.int64]  # [n] index into the declared classes
    ttft_us: NDArray[np.float64]  # [n]
    tpot_us: NDArray[np.float64]  # [n]
    itl_p99_us: NDArray[np.float64]  # [n] infinite where there is none


def class_label(name: str) -> str:
    """The name under which a class is declared and reported: requests without one are of class `default`."""
    return name or "default"


def class_targets(table: RequestTable, slo: Sequence[SLOClass]) -> Targets:
    """Targets by request. Raises InputError naming a class of the table that is not declared."""
    index = {declared.name: position for position, declared in enumerate(slo)}
    for name in table.slo_names:
        if class_label(name) not in index:
            raise unknown_name("SLO class of the requests", class_label(name), index)
    declared = np.array([index[class_label(name)] for name in table.slo_names])[table.slo_class]
    targets = [(c.ttft_us, c.tpot_us, np.inf if c.itl_p99_us is None else c.itl_p99_us) for c in slo]
    ttft_us, tpot_us, itl_p99_us = (np.array(column, np.float64) for column in zip(*targets, strict=True))
    return Targets(declared, ttft_us[declared], tpot_us[declared], itl_p99_us[declared])


def with_shares(slo: Sequence[SLOClass]) -> tuple[SLOClass, ...]:
    """The classes with weights that sum to 1. Raises InputError if a name is given twice or nothing has a weight."""
    names = [declared.name for declared in slo]
    if len(set(names)) < len(names):
        raise InputError(f"SLO classes: a name is given twice in {', '.join(names)}")
    shares = normalised({declared.name: declared.weight for declared in slo}, "SLO classes")
    return tuple(replace(declared, weight=shares[declared.name]) for declared in slo)


def normalised(weights: Mapping[str, float], what: str) -> dict[str, float]:
    """Weights that sum to 1, those that do already to the digit as they are. Raises InputError if all are 0."""
    whole = total(weights.values())
    if whole <= 0:
        raise InputError(f"{what}: the weight of {', '.join(weights) or 'nothing'} is 0; at least one must be above")
    return dict(weights) if abs(whole - 1) <= 1e-9 else {name: value / whole for name, value in weights.items()}


def tpot_us(table: RequestTable, result: ResultTable) -> NDArray[np.float64]:
    """[n] time per output token after the first; means something for completed requests with 2 or more."""
    return (result.e2e_us - result.ttft_us) / np.maximum(table.output_tokens - 1, 1)


def good_requests(table: RequestTable, result: ResultTable, targets: Targets) -> NDArray[np.bool_]:
    """[n] completed with every SLO of the class met (at <=); one output token meets any TPOT, none meets no TTFT."""
    paced = (table.output_tokens <= 1) | (tpot_us(table, result) <= targets.tpot_us)
    if np.isfinite(targets.itl_p99_us).any():
        paced &= all_gaps(result).percentiles_us(ITL_PERCENT) <= targets.itl_p99_us
    return (result.status == COMPLETED) & (result.ttft_us >= 0) & (result.ttft_us <= targets.ttft_us) & paced
