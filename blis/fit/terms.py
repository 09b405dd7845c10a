"""What a step may cost something for: the terms of the kind `linear`, each a parameter and a column of a step log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Columns = NDArray[np.float64]  # [steps, terms]

#: Every term by its parameter, with what of a step it is a price of.
_PRICED: dict[str, Callable[[NDArray[np.void]], NDArray[np.float64]]] = {
    "fixed_us": lambda steps: np.ones(len(steps)),
    "prefill_us_token": lambda steps: steps["prefill_tokens"] + steps["drafts"],
    "decode_us_request": lambda steps: steps["decodes"],
    "context_us_token": lambda steps: steps["decode_context"],
    "pair_us": lambda steps: steps["prefill_pairs"],
    "prefill_us_request": lambda steps: steps["prefills"],
}
RAMP = "ramp_us"

#: Every model has these, and …
BASE = ("fixed_us", "prefill_us_token", "decode_us_request")
#: … has others only if they earn their place.
OPTIONAL = ("context_us_token", "pair_us", "prefill_us_request", RAMP)
#: New tokens after which the ramp has levelled off, the values that are tried.
RAMP_TOKENS = (8.0, 32.0)


@dataclass(frozen=True)
class Terms:
    """The terms of one model."""

    names: tuple[str, ...] = BASE
    ramp_tokens: float = RAMP_TOKENS[0]

    def columns(self, steps: NDArray[np.void]) -> Columns:
        """[steps, terms] what each step has of each term. steps: KEPT_STEP."""
        return np.column_stack([self._column(name, steps) for name in self.names]).astype(np.float64)

    def _column(self, name: str, steps: NDArray[np.void]) -> NDArray[np.float64]:
        if name != RAMP:
            return _PRICED[name](steps)
        new = steps["prefill_tokens"] + steps["decodes"] + steps["drafts"]
        return np.asarray(1 - np.exp(-new / self.ramp_tokens))

    def parameters(self, prices: Sequence[float]) -> dict[str, float]:
        """The parameters of the kind `linear`. prices: [terms] µs."""
        found = {name: float(price) for name, price in zip(self.names, prices, strict=True)}
        return found | ({"ramp_tokens": self.ramp_tokens} if RAMP in found else {})

    def without_free(self, prices: Sequence[float]) -> Terms:
        """The terms without optional ones that cost nothing."""
        priced = zip(self.names, prices, strict=True)
        return replace(self, names=tuple(name for name, price in priced if price > 0 or name in BASE))

    def wider(self) -> list[Terms]:
        """With each optional term more; not with the ramp, which is hardly another thing than the fixed cost."""
        return [replace(self, names=(*self.names, name)) for name in OPTIONAL if name not in (*self.names, RAMP)]

    @property
    def label(self) -> str:
        """The optional terms, by name."""
        more = [f"{name}({self.ramp_tokens:g})" if name == RAMP else name for name in self.names if name not in BASE]
        return " + ".join(more) or "no more"
