"""A way into kernels from Python, for tests of one kernel alone."""

from collections.abc import Callable
from functools import cache
from typing import Any

from blis.jit import Entry


@cache
def callable_kernel(kernel: Any) -> Callable[..., Any]:
    """The same function, compiled with all that it calls so that Python may call it."""
    return Entry(kernel, keep=False)
