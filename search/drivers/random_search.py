"""Random search: every genome drawn from the whole space. The driver that others have to beat."""

from __future__ import annotations

from collections.abc import Sequence

from search.drivers.base import DRIVERS, Proposal, Scored, SeededDriver


@DRIVERS.register("random")
class RandomSearch(SeededDriver):
    """Draws without looking at scores."""

    def _propose(self) -> Proposal:
        return Proposal(self.space.sample(self.rng), "random")

    def tell(self, proposals: Sequence[Proposal], evaluations: Sequence[Scored]) -> None:
        """Nothing to learn."""
