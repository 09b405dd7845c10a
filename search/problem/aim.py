"""What a search makes of a policy's scores in several worlds: the one number that it looks for."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

#: `cvar` is the mean of the worst worlds, so large a share of all, rounded up: 4 of 19.
TAIL = 0.2


def tail_mean(scores: Sequence[float]) -> float:
    """The mean of the lowest TAIL of the scores, at least one."""
    return fmean(sorted(scores)[: math.ceil(TAIL * len(scores))])


#: By the name in `fitness.robust`: of the scores of all worlds, the one as it is first.
AIMS: Mapping[str, Callable[[Sequence[float]], float]] = {"mean": fmean, "worst": min, "cvar": tail_mean}
