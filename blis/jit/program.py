"""What an entry consists of: every kernel that it reaches, at the moment when somebody asks.

Kernels stay plain Python functions. To compile an entry we copy it and all that it calls, and put compiled things in
the place of the names that they use. So a template may be registered at any time, also between two runs.
"""

from __future__ import annotations

import builtins
import hashlib
import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any, TypeVar

import numpy as np

#: What is compiled into machine code as a number or a text.
_CONSTANTS = (bool, int, float, str, np.generic, np.dtype)
#: Whose functions and classes are no sources of ours: their versions are in numba's own key.
_OTHERS = frozenset({"builtins", "math", "numba", "numpy", "typing"})

F = TypeVar("F", bound=Callable[..., Any])


class Late:
    """A kernel whose body is written when an entry with it is compiled, because more may be registered until then."""

    def __init__(self, arguments: str, write: Callable[[], tuple[str, dict[str, Any]]]) -> None:
        """arguments: names, comma-separated. write: gives the lines of the body, and what the names in it stand for."""
        self._arguments, self._write = arguments, write

    def written(self) -> tuple[str, FunctionType]:
        """The text as it is now, and the function."""
        body, names = self._write()
        text = f"def call({self._arguments}):\n" + "".join(f"    {line}\n" for line in body.splitlines())
        scope = {**names, "__name__": __name__}
        exec(text, scope)
        return text, scope["call"]

    def __call__(self, *values: Any) -> Any:
        """The same in Python."""
        return self.written()[1](*values)


_kernels: set[Callable[..., Any]] = set()

#: As long as this stays the same, so do all programs.
version = 0


def kernel(function: F) -> F:
    """Mark a function that is compiled into the entries that call it. Python can call it too, slowly."""
    _kernels.add(function)
    note_change()
    return function


def note_change() -> None:
    """Say that programs may be others now: a kernel is new, or what a late one is made of."""
    global version
    version += 1


class Program:
    """An entry and all kernels that it reaches, by the names that its code looks up."""

    def __init__(self, function: Callable[..., Any], takes: tuple[type, ...] = ()) -> None:
        """takes: classes of the entry's arguments, whose fields decide like code."""
        self._functions: dict[Callable[..., Any], FunctionType] = {}
        self._texts: dict[Callable[..., Any], str] = {}  # of late kernels
        self._entry, self._takes = function, takes
        self._reach(function)

    def _reach(self, function: Callable[..., Any]) -> None:
        if function in self._functions:
            return
        if isinstance(function, Late):
            self._texts[function], self._functions[function] = function.written()
        else:
            assert isinstance(function, FunctionType)
            self._functions[function] = function
        for _, value in _used(self._functions[function]):
            if _is_kernel(value):
                self._reach(value)

    def digest(self) -> str:
        """12 hex digits over all that machine code comes from: source files and the constants that they use."""
        files: set[str] = set()
        lines: set[str] = set()
        for function, body in self._functions.items():
            name, file = body.__qualname__, inspect.getfile(body)
            if function in self._texts:
                lines.add(self._texts[function])
            elif Path(file).is_file():
                files.add(file)
            else:  # typed into a notebook
                lines.add(f"{name}: {_code_text(body.__code__)}")
            for used, value in _used(body):
                if _is_constant(value):
                    lines.add(f"{name}: {used} = {value!r}")
                elif isinstance(value, np.ndarray):
                    lines.add(f"{name}: {used} = {value.dtype} {value.shape} {value.tobytes().hex()}")
                else:
                    files |= _file_of(value)
        for kind in self._takes:
            files |= _file_of(kind)
        lines |= {hashlib.sha256(Path(file).read_bytes()).hexdigest() for file in files}
        return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:12]

    def loaded(self) -> str:
        """8 hex digits over the code in memory, which is not what its files hold if they were edited meanwhile."""
        texts = sorted(f"{body.__qualname__}: {_code_text(body.__code__)}" for body in self._functions.values())
        return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:8]

    def files(self) -> list[str]:
        """The files that kernels stand in."""
        found = {inspect.getfile(body) for function, body in self._functions.items() if function not in self._texts}
        return sorted(file for file in found if Path(file).is_file())

    def build(self, compiled: Callable[[FunctionType], Any]) -> FunctionType:
        """A copy of the entry's function in which the names of kernels stand for what `compiled` makes of them."""
        return _Copies(self._functions, compiled).of(self._functions[self._entry])


class _Copies:
    """Copies of functions, and compiled copies of kernels, that know nobody but each other."""

    def __init__(self, functions: dict[Any, FunctionType], compiled: Callable[[FunctionType], Any]) -> None:
        self._functions, self._compiled = functions, compiled
        self._made: dict[Any, Any] = {}

    def of(self, function: FunctionType) -> FunctionType:
        """A copy of a function that is not compiled itself."""
        copy = self._unsettled(function)
        self._settle(copy, function)
        return copy

    def _unsettled(self, function: FunctionType) -> FunctionType:
        """A copy that does not know what its names stand for yet."""
        scope = {"__builtins__": builtins, "__name__": function.__module__}
        cells = tuple(CellType() for _ in function.__closure__ or ())
        copy = FunctionType(function.__code__, scope, function.__name__, function.__defaults__, cells)
        copy.__qualname__, copy.__module__, copy.__doc__ = function.__qualname__, function.__module__, function.__doc__
        return copy

    def _settle(self, copy: FunctionType, function: FunctionType) -> None:
        for cell, original in zip(copy.__closure__ or (), function.__closure__ or (), strict=True):
            cell.cell_contents = self._stand_in(original.cell_contents)
        for name, value in _globals(function):
            if isinstance(value, ModuleType) and any(map(_is_kernel, vars(value).values())):
                module = ModuleType(value.__name__)
                vars(module).update({key: self._stand_in(part) for key, part in _attributes(function, value)})
                value = module
            copy.__globals__[name] = self._stand_in(value)

    def _stand_in(self, value: Any) -> Any:
        """What a name stands for in a copy."""
        if not _is_kernel(value):
            return value
        if value not in self._made:
            function = self._functions[value]
            copy = self._unsettled(function)
            self._made[value] = self._compiled(copy)  # before its names are settled: they may come back to it
            self._settle(copy, function)
        return self._made[value]


def _is_constant(value: Any) -> bool:
    return all(map(_is_constant, value)) if isinstance(value, tuple) else isinstance(value, _CONSTANTS)


def _is_kernel(value: Any) -> bool:
    return isinstance(value, FunctionType | Late) and value in _kernels


def _names(code: CodeType) -> set[str]:
    """The names that a function's code, and functions inside it, look up: as globals or as attributes."""
    return set(code.co_names).union(*(_names(inner) for inner in code.co_consts if isinstance(inner, CodeType)))


def _globals(function: FunctionType) -> list[tuple[str, Any]]:
    """What a function may use of its module, and what merely has the name of an attribute that it uses."""
    known = function.__globals__
    return [(name, known[name]) for name in sorted(_names(function.__code__)) if name in known]


def _attributes(function: FunctionType, module: ModuleType) -> list[tuple[str, Any]]:
    """What a function may take from a module."""
    return [(name, vars(module)[name]) for name in sorted(_names(function.__code__) & {*vars(module)})]


def _used(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """What a function's names stand for, in its closure and in the modules that it uses too."""
    for name, value in _globals(function):
        if isinstance(value, ModuleType) and value.__name__.split(".")[0] not in _OTHERS:
            yield from ((f"{name}.{key}", part) for key, part in _attributes(function, value))
        else:
            yield name, value
    yield from zip(
        function.__code__.co_freevars, (cell.cell_contents for cell in function.__closure__ or ()), strict=True
    )


def _file_of(value: object) -> set[str]:
    """The file in which a class or a helper of the compiler stands, unless it is a library's."""
    name = getattr(value, "__module__", None) or ""
    file = getattr(sys.modules.get(name), "__file__", None)
    return set() if file is None or name.split(".")[0] in _OTHERS else {file}


def _code_text(code: CodeType) -> str:
    constants = [_code_text(value) if isinstance(value, CodeType) else repr(value) for value in code.co_consts]
    return f"{code.co_code.hex()} {code.co_names} {code.co_varnames} {constants}"
