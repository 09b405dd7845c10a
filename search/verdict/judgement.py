"""What intervals prove about a winner: which baselines it beats, and the name for that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from blis.comparison.statistics import AnyComparison

WINNER = "winner"
HARDLY_WORTH = "better, but hardly worth deploying"
NO_WINNER = "no significant winner"
NO_INTERVAL = "no interval"

SIGNIFICANCE = 0.05


@dataclass(frozen=True)
class Judgement:
    """Which baselines the winner beats, ties and loses to, and what that makes of it."""

    outcome: str  # one of the names above
    beats_all: bool
    beats: tuple[str, ...]
    ties: tuple[str, ...]
    loses_to: tuple[str, ...]
    unknown: tuple[str, ...]  # there is no interval

    def to_dict(self) -> dict[str, Any]:
        """What verdict.json says of it beside the outcome."""
        return {
            "beats_all": self.beats_all,
            "beats": list(self.beats),
            "ties": list(self.ties),
            "loses_to": list(self.loses_to),
            "unknown": list(self.unknown),
        }


def judge(comparisons: Mapping[str, AnyComparison], holm: Mapping[str, float], primary: str, worth: float) -> Judgement:
    """The judgement from winner-against-baseline comparisons and their Holm-adjusted p values.

    "All" needs every lower bound above zero and no correction; naming a part of them needs Holm, where there
    are p values. A tie is an interval that holds zero; a comparison without an interval proves nothing.
    """
    bounds = {name: c.bounds for name, c in comparisons.items() if c.bounds is not None}
    above = [name for name, (low, _) in bounds.items() if low > 0]
    beats_all = len(above) == len(comparisons)
    return Judgement(
        outcome=outcome_of(bounds.get(primary), worth),
        beats_all=beats_all,
        beats=tuple(name for name in above if beats_all or holm.get(name, 0.0) < SIGNIFICANCE),
        ties=tuple(name for name, (low, high) in bounds.items() if low <= 0 <= high),
        loses_to=tuple(name for name, (_, high) in bounds.items() if high < 0),
        unknown=tuple(name for name in comparisons if name not in bounds),
    )


def outcome_of(bounds: tuple[float, float] | None, worth: float) -> str:
    """The name for an interval against the primary baseline. worth: below that a gain is hardly worth deploying."""
    if bounds is None:
        return NO_INTERVAL
    return NO_WINNER if bounds[0] <= 0 else HARDLY_WORTH if bounds[0] < worth else WINNER
