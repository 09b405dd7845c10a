"""A routing template: the instance with the most free KV blocks."""

from blis.policies.routing import ROUTING


@ROUTING.register("extra-most-free", reads=("kv",))
def extra_most_free(views, ask, codes, weights):
    """The most free blocks, as old as the signal is."""
    for j in range(len(views)):
        views[j].score = float(views[j].free_blocks)
