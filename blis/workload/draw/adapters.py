"""Which LoRA adapters requests ask for; field names are the YAML keys (docs/lora.md)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from blis.errors import InputError, check_choice, check_integer, check_number

BY = ("request", "tenant")


@dataclass(frozen=True)
class Adapters:
    """Adapters by name, or so many of them; the requests that get none are for the base model.

    shares: name -> share of the requests. count: instead, that many, adapter_0, adapter_1, …; zipf: adapter i has a
    share proportional to (i + 1) ** -zipf of those requests that have one. share: of the requests that have one.
    by: each request has one of its own, a conversation one for all of its rounds; or tenant i of a population has
    adapter i, and behind the last the first again.
    """

    shares: dict[str, float] = field(default_factory=dict, hash=False)
    count: int = 0
    zipf: float = 0.0
    share: float = 1.0
    by: str = "request"

    def __post_init__(self) -> None:
        """Check the ranges, and that there is one way in which adapters are given."""
        check_integer("adapters.count", self.count, 0, 10**5)
        check_number("adapters.zipf", self.zipf, 0, 10)
        check_number("adapters.share", self.share, 0, 1)
        check_choice("adapters.by", self.by, BY)
        if (self.count > 0) == bool(self.shares):
            raise InputError("adapters: give shares by name or a count, one of the two")
        for name, share in self.shares.items():
            check_number(f"adapters.shares.{name}", share, 0, 1)
            if not name:
                raise InputError("adapters.shares: an adapter must have a name; the rest is for the base model")
        if sum(self.shares.values()) > 1 + 1e-9:
            raise InputError(f"adapters.shares: must sum to at most 1, got {sum(self.shares.values()):g}")
        if self.shares and (self.zipf, self.share, self.by) != (0.0, 1.0, "request"):
            raise InputError("adapters: zipf, share and by go with a count, not with shares by name")

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(self.shares) or tuple(f"adapter_{i}" for i in range(self.count))

    def draw(self, random: np.random.Generator, tenant: NDArray[np.int32]) -> NDArray[np.int32]:
        """[n] places in `names`, -1 for the base model. tenant: [n] number of each one's tenant in its population."""
        chance = random.random(len(tenant))
        if self.by == "tenant":
            return np.where(chance < self.share, tenant % self.count, -1).astype(np.int32)
        index = np.searchsorted(np.cumsum(self._shares()), chance, side="right")
        return np.where(index < len(self.names), index, -1).astype(np.int32)

    def _shares(self) -> NDArray[np.float64]:
        """[names] of all requests."""
        if self.shares:
            return np.array(list(self.shares.values()))
        weights = np.arange(1, self.count + 1, dtype=np.float64) ** -self.zipf
        return weights * (self.share / weights.sum())
