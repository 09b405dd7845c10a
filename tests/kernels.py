"""A way into kernels from Python, for tests of one kernel alone."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numba


@cache
def callable_kernel(kernel: Any) -> Callable[..., Any]:
    """The same function, compiled so that Python may call it."""
    return numba.njit(_nrt=False)(kernel.py_func)
