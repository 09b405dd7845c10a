"""How long a step takes.

In comes a latency model by name, coefficients or shapes; out come the few numbers that a step is computed from, and
the kernel that computes it. Read `registry.py` first, then `blackbox.py`, `linear.py` and
`roofline.py`, one file a kind.
"""

from blis.latency import blackbox, linear, roofline, roofline_original  # which registers them
from blis.latency.registry import LATENCY

__all__ = ["LATENCY", "blackbox", "linear", "roofline", "roofline_original"]
