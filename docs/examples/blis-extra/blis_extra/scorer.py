"""A routing scorer: instance 0 is the best, whatever the others do."""

from blis.policies.scorers import SCORERS


@SCORERS.register("extra-first")
def extra_first(views, ask):
    """1 on instance 0, 0 elsewhere."""
    for j in range(len(views)):
        views[j].term = 1.0 if j == 0 else 0.0
