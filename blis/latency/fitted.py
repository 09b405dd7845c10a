"""Where fitted parameters of a latency model come from."""

from __future__ import annotations

from dataclasses import dataclass, field

from blis.errors import InputError, check_integer, check_number


@dataclass(frozen=True)
class Fitted:
    """Where fitted parameters come from, and how far they may be off."""

    source: str  # names of the logs, and how much of them the fit saw
    n: int  # requests, or steps, that it saw
    error: dict[str, float] = field(default_factory=dict, hash=False)  # percent, of what it did not see
    draws: tuple[dict[str, float], ...] = field(default=(), hash=False)  # parameters that could as well have come out
    not_told: tuple[str, ...] = ()  # parameters that the log says nothing of: no draw varies them as it should

    def __post_init__(self) -> None:
        """Check the numbers."""
        if not self.source:
            raise InputError("fitted.source must say where the coefficients come from")
        check_integer("fitted.n", self.n, 1)
        for name, value in self.error.items():
            check_number(f"fitted.error.{name}", value, 0, 1e9)
