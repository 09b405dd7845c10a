"""Scores of a fitness over draws of blocks of time: all at once where it can, else draw by draw from its rows."""

from __future__ import annotations

from functools import partial
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from blis.comparison.blocks import Blocks, Scores
from search.problem.problem import Fitness


@runtime_checkable
class ByBlocks(Protocol):
    """A fitness that scores many draws at once."""

    def by_blocks(self, candidate: Any, baseline: Any, of_row: NDArray[np.int64]) -> Scores | None:
        """The scores of draws of blocks; None if it has to see the rows. of_row: the block of each scored row."""


def scores_of_draws(fitness: Fitness, candidate: Any, baseline: Any, blocks: Blocks) -> Scores | None:
    """The scores of a candidate against a baseline; None if the fitness keeps no rows."""
    at_once = fitness.by_blocks(candidate, baseline, blocks.of_row) if isinstance(fitness, ByBlocks) else None
    if at_once is not None:
        return at_once
    score = partial(fitness.compare_resampled, candidate, baseline)
    return None if score(np.ones(len(blocks.of_row), np.int64)) is None else blocks.by_row(score)
