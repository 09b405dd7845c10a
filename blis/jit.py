"""`kernel` and `entry`: the only two decorators that compile anything here.

Kernels are compiled as far as LLVM's intermediate code and put into the entry that calls them; only the entry
is optimised and becomes machine code. numba would do both for every kernel, with all that it calls, though
nobody ever calls one alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba
from numba import types
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler

#: Kernels own no memory: every array comes from the caller and nothing is reference-counted, so a kernel
#: that allocates does not compile. `_nrt` makes passing arrays between small functions cheap, `forceinline`
#: makes it free: all kernels end up in their entry (measured on the default problem: 0.7 against 2.7 µs
#: a request). Should numba drop either option, delete it here and pay that price, nothing else changes.
_ENTRY = {"_nrt": False}
#: Nobody calls a kernel from Python; without that way in they compile in two thirds of the time.
_KERNEL = {**_ENTRY, "forceinline": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}

_SOURCES = ("jit.py", "tables", "engine", "policies")


class _Unlinked:
    """Stands for the machine code that a kernel has not: there is no place to put its environment."""

    @staticmethod
    def set_env(name: str, environment: object) -> None:
        """Do nothing; kernels call no Python, which is what an environment is for."""


class _KernelLibrary(JITCodeLibrary):
    """The intermediate code of a kernel and of all that it calls, ready to be linked into an entry."""

    codegen = _Unlinked()

    def _optimize_final_module(self) -> None:
        """Leave that to the entry."""

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        """Nowhere."""
        return 0


class _KernelCompiler(Compiler):
    """numba's compiler, with a library of our own. Without it all works the same, in twice the time."""

    def __init__(self, typing_context: Any, target_context: Any, library: Any, *arguments: Any) -> None:
        if library is None:
            library = _KernelLibrary(target_context.codegen(), "kernel")
            library.enable_object_caching()
        super().__init__(typing_context, target_context, library, *arguments)


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function that is only called from other kernels."""
    return _one_version(numba.njit(pipeline_class=_KernelCompiler, **_KERNEL)(function))


def _one_version(dispatcher: Any) -> Any:
    """Let calls with constants and with narrow integers share one compiled version instead of adding theirs.

    numba compiles a function anew for every tuple of argument types, and 0 is another type than int64.
    """
    template = dispatcher.get_call_template

    def get_call_template(args: tuple[Any, ...], kws: dict[str, Any]) -> Any:
        return template(tuple(map(_wide, args)), {name: _wide(argument) for name, argument in kws.items()})

    dispatcher.get_call_template = get_call_template
    return dispatcher


def _wide(argument: Any) -> Any:
    """The type that stands for an argument's own."""
    argument = types.unliteral(argument)
    return types.int64 if isinstance(argument, types.Integer) else argument


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
        file for name in _SOURCES for file in ([root / name] if name.endswith(".py") else (root / name).rglob("*.py"))
    ]
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]
