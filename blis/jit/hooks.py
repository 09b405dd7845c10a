"""How kernels are compiled in half the time: with numba's inner classes, which may change from version to version.

numba optimises every function and makes machine code of it, with all that it calls, though nobody ever calls a kernel
alone. Here a kernel is compiled as far as LLVM's intermediate code; only the entry that it is put into goes on from
there. And it has one version for all integers: numba compiles a function anew for every tuple of argument types, and
0 is another type than int64.
"""

from __future__ import annotations

from types import FunctionType
from typing import Any

import numba
from numba import types
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler


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
    """numba's compiler, with a library of our own."""

    def __init__(self, typing_context: Any, target_context: Any, library: Any, *arguments: Any) -> None:
        if library is None:
            library = _KernelLibrary(target_context.codegen(), "kernel")
            library.enable_object_caching()
        super().__init__(typing_context, target_context, library, *arguments)


def compiled(function: FunctionType, options: dict[str, Any]) -> Any:
    """A kernel for the use of other kernels. Nobody calls it from Python, so it needs no way in from there."""
    dispatcher = numba.njit(pipeline_class=_KernelCompiler, no_cpython_wrapper=True, no_cfunc_wrapper=True, **options)(
        function
    )
    template = dispatcher.get_call_template

    def get_call_template(args: tuple[Any, ...], kws: dict[str, Any]) -> Any:
        return template(tuple(map(_wide, args)), {name: _wide(argument) for name, argument in kws.items()})

    dispatcher.get_call_template = get_call_template
    return dispatcher


def _wide(argument: Any) -> Any:
    """The type that stands for an argument's own."""
    argument = types.unliteral(argument)
    return types.int64 if isinstance(argument, types.Integer) else argument


def load_alone(dispatcher: Any) -> None:
    """Let an entry be loaded from disk without all that numba could compile, which takes half a second to import.

    Should it not be there, the compiler imports it.
    """
    cache = dispatcher._cache
    cache.load_overload = cache._load_overload
