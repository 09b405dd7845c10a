"""Service level objectives: targets per class of requests, and which requests met them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from blis.config import MAX_TIME_US, MAX_WEIGHT
from blis.errors import InputError, check_integer, check_number, unknown_name
from blis.tables.records import COMPLETED
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable


@dataclass(frozen=True)
class SLOClass:
    """What one class of requests was promised, and how much it counts."""

    name: str
    ttft_us: int  # target of the time to the first token
    tpot_us: int  # target of the time per further output token
    weight: float  # share in the score

    def __post_init__(self) -> None:
        """Check that targets are positive and the weight is not negative."""
        check_integer(f"SLO class {self.name!r}: ttft_us", self.ttft_us, 1, MAX_TIME_US)
        check_integer(f"SLO class {self.name!r}: tpot_us", self.tpot_us, 1, MAX_TIME_US)
        check_number(f"SLO class {self.name!r}: weight", self.weight, 0, MAX_WEIGHT)


class Targets(NamedTuple):
    """The targets of every request of a table."""

    declared: NDArray[np.int64]  # [n] index into the declared classes
    ttft_us: NDArray[np.float64]  # [n]
    tpot_us: NDArray[np.float64]  # [n]


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
    ttft_us, tpot_us = (
        np.array(column, np.float64) for column in zip(*((c.ttft_us, c.tpot_us) for c in slo), strict=True)
    )
    return Targets(declared, ttft_us[declared], tpot_us[declared])


def check_classes(slo: Sequence[SLOClass]) -> None:
    """Raise InputError unless the names differ and the weights sum to 1."""
    names = [declared.name for declared in slo]
    if len(set(names)) < len(names):
        raise InputError(f"SLO classes: a name is given twice in {', '.join(names)}")
    total = sum(declared.weight for declared in slo)
    if abs(total - 1) > 1e-9:
        raise InputError(f"SLO classes: the weights of {', '.join(names) or 'no class'} must sum to 1, got {total:g}")


def tpot_us(table: RequestTable, result: ResultTable) -> NDArray[np.float64]:
    """[n] time per output token after the first; means something for completed requests with 2 or more."""
    return (result.e2e_us - result.ttft_us) / np.maximum(table.output_tokens - 1, 1)


def good_requests(table: RequestTable, result: ResultTable, targets: Targets) -> NDArray[np.bool_]:
    """[n] completed with every SLO of the class met (at <=); one output token meets any TPOT, none meets no TTFT."""
    paced = (table.output_tokens <= 1) | (tpot_us(table, result) <= targets.tpot_us)
    return (result.status == COMPLETED) & (result.ttft_us >= 0) & (result.ttft_us <= targets.ttft_us) & paced
