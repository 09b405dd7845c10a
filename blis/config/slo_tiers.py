"""SLO tiers: what a request's class name stands for (docs/policies.md section 1)."""

from __future__ import annotations

from dataclasses import dataclass

from blis.errors import check_number

#: Priorities of the class names of the llm-d router; below zero a class may be shed.
_PRIORITIES = {"critical": 4.0, "standard": 3.0, "batch": -1.0, "sheddable": -2.0, "background": -3.0}
_TTFT_MS = {"critical": 400.0, "standard": 1000.0, "batch": 4000.0}
_OTHER_TTFT_MS = 1000.0

#: Classes that have a priority by name alone.
CLASS_NAMES = tuple(_PRIORITIES)


@dataclass(frozen=True)
class SloTier:
    """How urgent a class is, what its priority counts, and when its first token is due."""

    priority: float = 0.0
    weight: float = 1.0
    ttft_ms: float = _OTHER_TTFT_MS

    def __post_init__(self) -> None:
        """Check all are finite, the weight not negative, the target above zero."""
        check_number("slo_tiers.*.priority", self.priority, -1e9, 1e9)
        check_number("slo_tiers.*.weight", self.weight, 0, 1e9)
        check_number("slo_tiers.*.ttft_ms", self.ttft_ms, 0, 1e12, above=0)


def default_tier(name: str) -> SloTier:
    """The tier of a class that is not declared."""
    return SloTier(_PRIORITIES.get(name, 0.0), 1.0, _TTFT_MS.get(name, _OTHER_TTFT_MS))
