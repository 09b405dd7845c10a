"""`entry`: a function called from Python, compiled with all that it calls and kept on disk between processes."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from threading import RLock
from types import FunctionType
from typing import Any

import numba
from numba.core.errors import NumbaError

from blis.errors import InputError, one_line
from blis.jit import program
from blis.jit.cache import cache_root
from blis.jit.program import Program

#: Compile everything the plain way (hooks.py), whatever numba offers.
PLAIN_VARIABLE = "BLIS_PLAIN_KERNELS"

#: Kernels own no memory: every array comes from the caller and nothing is reference-counted, so a kernel
#: that allocates does not compile. `_nrt` makes passing arrays between small functions cheap, `forceinline`
#: makes it free: all kernels end up in their entry (measured on the default problem: 0.7 against 2.7 µs
#: a request). Should numba drop either option, delete it here and pay that price, nothing else changes.
_ENTRY = {"_nrt": False}
_KERNEL = {**_ENTRY, "forceinline": True}

_lock = RLock()


class Entry:
    """A compiled function. What it consists of is settled at a call: kernels registered since then compile it anew."""

    def __init__(self, function: Callable[..., Any], takes: tuple[type, ...] = (), *, keep: bool = True) -> None:
        """takes: classes of its arguments. keep: on disk."""
        self.__wrapped__, self._takes, self._keep = function, takes, keep
        self._version = -1  # of all programs when it was settled
        self._digest = ""
        self._compiled: Any = None

    def __call__(self, *arguments: Any) -> Any:
        """Call it. Raises InputError if one of its kernels, say a user's, cannot be compiled."""
        if self._version != program.version:
            self._settle()
        if self._compiled is None:
            self._compile(tuple(map(numba.typeof, arguments)))
        return self._compiled(*arguments)

    @property
    def digest(self) -> str:
        """12 hex digits over all its sources."""
        self._settle()
        return self._digest

    @property
    def files(self) -> list[str]:
        """The files in which its kernels stand."""
        return self._program().files()

    @property
    def from_disk(self) -> bool:
        """Whether it was compiled by an earlier process."""
        return self._compiled is not None and sum(self._compiled.stats.cache_hits.values()) > 0

    def _program(self) -> Program:
        return Program(self.__wrapped__, self._takes)

    def _settle(self) -> None:
        """Find out what it consists of now; if that has changed, what was compiled is of no use."""
        with _lock:
            version = program.version
            if self._version != version:
                digest = self._program().digest()
                if digest != self._digest:
                    self._digest, self._compiled = digest, None
                self._version = version

    def _compile(self, types: tuple[Any, ...]) -> None:
        with _lock:
            if self._compiled is not None:
                return  # another thread was first
            plain = os.environ.get(PLAIN_VARIABLE, "") not in ("", "0")
            try:
                self._compiled = self._made(types, plain)
            except Exception as hooked:  # a hook that no longer fits, or a kernel with a mistake
                try:
                    self._compiled = self._made(types, plain=True)
                except NumbaError as error:
                    raise InputError(f"a kernel cannot be compiled: {one_line(error)}") from error
                warnings.warn(
                    f"numba {numba.__version__} does not fit blis.jit.hooks ({type(hooked).__name__}:"
                    f" {one_line(hooked)[:200]}); kernels are compiled the plain way, which takes longer",
                    RuntimeWarning,
                    stacklevel=3,
                )

    def _made(self, types: tuple[Any, ...], plain: bool) -> Any:
        """What numba makes of it.

        numba reuses a cached entry as long as the entry's own file is unchanged, even when a kernel it calls,
        in another file, has changed. So the cache folder is named after all sources, and after what was read of
        them when they were imported: a file may have been edited since.
        """
        program = self._program()
        function = program.build(_plainly if plain else _with_hooks)
        root = cache_root() if self._keep else None
        saved = numba.config.CACHE_DIR
        if root is not None:
            folder = root / f"kernels-{self._digest}-{program.loaded()}{'-plain' if plain else ''}"
            numba.config.CACHE_DIR = str(folder)
            if not folder.is_dir() and sys.stderr is not None and sys.stderr.isatty():
                print("compiling the kernels, once for this version of the code: about 20 s", file=sys.stderr)
        try:
            made = numba.njit(cache=root is not None, nogil=True, **_ENTRY)(function)
        finally:
            numba.config.CACHE_DIR = saved
        if root is not None and not plain:
            _load_alone(made)
        made.compile(types)
        return made


def entry(*takes: type) -> Callable[[Callable[..., Any]], Entry]:
    """Decorate a function called from Python: compile it without the GIL. takes: classes of its arguments."""
    return lambda function: Entry(function, takes)


def _with_hooks(function: FunctionType) -> Any:
    from blis.jit import hooks  # here, because it is the import that may fail

    return hooks.compiled(function, _KERNEL)


def _load_alone(made: Any) -> None:
    from blis.jit import hooks

    hooks.load_alone(made)


def _plainly(function: FunctionType) -> Any:
    return numba.njit(**_KERNEL)(function)
