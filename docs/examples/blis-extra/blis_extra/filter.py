"""A routing filter: keeps instances with enough free KV blocks."""

from blis.policies.filters import FILTERS
from blis.policies.registry import Bounds


@FILTERS.register("extra-free-blocks", reads=("kv",), min_blocks=Bounds(0, 1e9, default=100, span=(0, 1000)))
def extra_free_blocks(min_blocks, views, ask):
    """Those with at least `min_blocks` free."""
    for j in range(len(views)):
        views[j].keep = views[j].free_blocks >= min_blocks
