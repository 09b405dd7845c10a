"""Hedging: whoever gets no first token for too long is asked for once more elsewhere (docs/hedging.md)."""

from __future__ import annotations

from dataclasses import dataclass

from blis.errors import check_integer, check_number


@dataclass(frozen=True)
class Hedging:
    """A copy of a request goes to another instance; whichever gives its first token first serves the client.

    Each request that is sent for the first time adds `budget` to what is saved, and each copy takes one from it.
    """

    after_us: int = 0  # without a first token since it was sent; 0: there are no copies
    budget: float = 0.05  # copies a request
    saved: float = 10.0  # copies saved up at the start; at most ten times as many ever are

    def __post_init__(self) -> None:
        """Check the numbers."""
        check_integer("hedging.after_us", self.after_us, 0, 3_600_000_000)
        check_number("hedging.budget", self.budget, 0, 1)
        check_number("hedging.saved", self.saved, 0, 1e9)

    @property
    def any(self) -> bool:
        """Whether there are copies at all."""
        return self.after_us > 0
