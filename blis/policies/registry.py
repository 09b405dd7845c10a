"""`Registry`: the templates of one kind, from name to compiled dispatch, each declared once where it is written."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from blis.errors import InputError, check_number, unknown_name
from blis.jit import kernel


@dataclass(frozen=True)
class Bounds:
    """Where a parameter may lie: for the check of configurations, search spaces and docs."""

    low: float
    high: float
    log: bool = False
    default: float | None = None  # what it is when nothing is said; None: it must be given
    span: tuple[float, float] | None = None  # the part worth searching, if not all of it
    relative_to: str | None = None  # the rate of the workload that `span` is a factor of


class Registry:
    """Registers the templates of one kind; a template's code is its place in the order of registration.

    A template is one kernel: its own parameters first, then the arguments every template of the kind
    takes. `call` dispatches on a code with an if-chain, the form numba compiles to the fastest code.
    """

    def __init__(self, kind: str, arguments: str, *, compiled: bool = True) -> None:
        """Start an empty registry of templates that all take `arguments` (names, comma-separated).

        compiled: templates are kernels; else they are plain functions on columns, called before a run.
        """
        self.kind = kind
        self.arguments = arguments
        self.compiled = compiled
        self.kernels: dict[str, Callable[..., Any]] = {}
        self.bounds: dict[str, dict[str, Bounds]] = {}
        self.reads: dict[str, frozenset[str]] = {}
        self.oracles: set[str] = set()  # templates that read what a real system cannot know
        self.pathological: set[str] = set()  # templates that only tests want

    def __iter__(self) -> Iterator[str]:
        """The names in the order of their codes."""
        return iter(self.kernels)

    def register(
        self,
        name: str,
        *,
        reads: tuple[str, ...] = (),
        oracle: bool = False,
        pathological: bool = False,
        **bounds: Bounds,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Decorate a template: check its signature, compile it and give it the next code.

        `reads` names the signals it looks at, so that others are never gathered for it. `oracle` marks a
        template that reads the true output length, `pathological` one that is there for tests: both stay out
        of search spaces that do not name them.
        """

        def add(function: Callable[..., Any]) -> Callable[..., Any]:
            expected = [*bounds, *self.arguments.split(", ")]
            found = list(inspect.signature(function).parameters)
            if found != expected:
                raise TypeError(f"{self.kind} {name!r} takes ({', '.join(found)}); expected ({', '.join(expected)})")
            self.kernels[name] = kernel(function) if self.compiled else function
            self.bounds[name] = bounds
            self.reads[name] = frozenset(reads)
            if oracle:
                self.oracles.add(name)
            if pathological:
                self.pathological.add(name)
            return self.kernels[name]

        return add

    def code(self, name: str) -> int:
        """The number of a template; InputError with the nearest match if there is none."""
        if name not in self.kernels:
            raise unknown_name(self.kind, name, self.kernels)
        return list(self.kernels).index(name)

    @property
    def deployable(self) -> list[str]:
        """The templates that a search may choose: all but oracles and pathological ones."""
        return [name for name in self if name not in self.oracles | self.pathological]

    def values(self, name: str, given: Mapping[str, float]) -> list[float]:
        """A template's parameters in its declared order, defaults filled in.

        Raises InputError for a parameter it does not have, one that is missing, and one out of bounds.
        """
        self.code(name)
        for key in given:
            if key not in self.bounds[name]:
                raise unknown_name(f"parameter of {self.kind} {name!r}", key, self.bounds[name])
        values = []
        for key, bounds in self.bounds[name].items():
            value = given.get(key, bounds.default)
            if value is None:
                raise InputError(f"{self.kind} {name!r} needs the parameter {key}")
            check_number(f"{key} of {self.kind} {name!r}", value, bounds.low, bounds.high)
            values.append(float(value))
        return values

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
