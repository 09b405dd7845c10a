"""`Table`: the templates of one kind, from name to compiled dispatch, each declared once where it is written."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from blis.errors import unknown_name
from blis.jit import kernel


@dataclass(frozen=True)
class Bounds:
    """Where a parameter may lie: for the check of configurations, search spaces and docs."""

    low: float
    high: float
    log: bool = False


class Table:
    """Registers the templates of one kind; a template's code is its place in the order of registration.

    A template is one kernel: its own parameters first, then the arguments every template of the kind
    takes. `call` dispatches on a code with an if-chain, the form numba compiles to the fastest code.
    """

    def __init__(self, kind: str, arguments: str) -> None:
        """Start an empty table of templates that all take `arguments` (names, comma-separated)."""
        self.kind = kind
        self.arguments = arguments
        self.kernels: dict[str, Callable[..., Any]] = {}
        self.bounds: dict[str, dict[str, Bounds]] = {}
        self.reads: dict[str, frozenset[str]] = {}

    def __iter__(self) -> Iterator[str]:
        """The names in the order of their codes."""
        return iter(self.kernels)

    def register(
        self, name: str, *, reads: tuple[str, ...] = (), **bounds: Bounds
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Decorate a template: check its signature, compile it and give it the next code.

        `reads` names the signals it looks at, so that others are never gathered for it.
        """

        def add(function: Callable[..., Any]) -> Callable[..., Any]:
            expected = [*bounds, *self.arguments.split(", ")]
            found = list(inspect.signature(function).parameters)
            if found != expected:
                raise TypeError(f"{self.kind} {name!r} takes ({', '.join(found)}); expected ({', '.join(expected)})")
            self.kernels[name] = kernel(function)
            self.bounds[name] = bounds
            self.reads[name] = frozenset(reads)
            return self.kernels[name]

        return add

    def code(self, name: str) -> int:
        """The number of a template; InputError with the nearest match if there is none."""
        if name not in self.kernels:
            raise unknown_name(self.kind, name, self.kernels)
        return list(self.kernels).index(name)

    def dispatcher(self) -> Callable[..., Any]:
        """Compile `call(code, params, <arguments>)`."""
        lines = [f"def call(code, params, {self.arguments}):"]
        for code, bounds in enumerate(self.bounds.values()):
            values = [f"params[{position}]" for position in range(len(bounds))]
            lines.append(f"    if code == {code}: return template_{code}({', '.join([*values, self.arguments])})")
        lines.append(f"    raise ValueError('{self.kind} code out of range')")
        namespace = {f"template_{code}": function for code, function in enumerate(self.kernels.values())}
        exec("\n".join(lines), namespace)
        return kernel(namespace["call"])
