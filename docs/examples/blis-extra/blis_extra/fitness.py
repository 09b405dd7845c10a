"""A term of the relative fitness: fewer preemptions."""

import numpy as np

from blis.fitness.terms import term


@term("extra_preemptions", keep=lambda result: result.preemptions.astype(np.float64))
def extra_preemptions(pair):
    """Log ratio of preemptions, plus one each."""
    x, b = (run.kept["extra_preemptions"].sum() for run in (pair.x, pair.b))
    return float(np.log((b + 1) / (x + 1)))
