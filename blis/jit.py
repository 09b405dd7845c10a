"""`kernel` and `entry`: the only two decorators that compile anything here."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba

#: Kernels own no memory: every array comes from the caller and nothing is reference-counted, so a kernel
#: that allocates does not compile. `_nrt` makes passing arrays between small functions cheap, `forceinline`
#: makes it free: all kernels end up in their entry (measured on the default problem: 0.7 against 2.7 µs
#: a request). Should numba drop either option, delete it here and pay that price, nothing else changes.
_ENTRY = {"_nrt": False}
#: Nobody calls a kernel from Python; without that way in they compile in two thirds of the time.
_KERNEL = {**_ENTRY, "forceinline": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}

_SOURCES = ("jit.py", "table.py", "schema.py", "engine", "policies")


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function that is only called from other kernels."""
    return numba.njit(**_KERNEL)(function)


def entry(function: Callable[..., Any]) -> Any:
    """Compile a function called from Python, without the GIL, and keep it on disk between processes.

    numba reuses a cached entry as long as the entry's own file is unchanged, even when a kernel it
    calls, in another file, has changed. So the cache folder is named after all our kernel sources.
    """
    saved = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(Path(__file__).parent / "__pycache__" / f"kernels-{source_digest()}")
    try:
        return numba.njit(cache=True, nogil=True, **_ENTRY)(function)
    finally:
        numba.config.CACHE_DIR = saved


@cache
def source_digest() -> str:
    """12 hex digits over every source file that kernels come from: the version of the engine."""
    root = Path(__file__).parent
    files = [
        file for name in _SOURCES for file in ([root / name] if name.endswith(".py") else (root / name).glob("*.py"))
    ]
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]
