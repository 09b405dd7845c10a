"""`Registry`: the templates of one kind, from name to compiled dispatch, each declared once where it is written."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, ItemsView, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from blis import plugins
from blis.errors import InputError, check_number, unknown_name
from blis.jit import Late, kernel, note_change


@dataclass(frozen=True)
class Bounds:
    """Where a parameter may lie: for the check of configurations, search spaces and docs."""

    low: float
    high: float
    log: bool = False
    default: float | None = None  # what it is when nothing is said; None: it must be given
    span: tuple[float, float] | None = None  # the part worth searching, if not all of it
    relative_to: str | None = None  # the rate of the workload that `span` is a factor of


#: What the values that a template gives to instances depend on: on the request, or on what it has seen before; on the
#: views of the instances, as long as all are eligible; or each on the view of its own instance.
REQUEST, VIEWS, VIEW = range(3)


class Template(NamedTuple):
    """One way to decide: its function, its parameters in their order, and what it looks at."""

    function: Callable[..., Any]  # a kernel
    bounds: Mapping[str, Bounds]
    reads: frozenset[str]
    memory: int  # numbers it keeps from one decision to the next, for everybody and for every tenant
    oracle: bool  # reads what a real system cannot know
    pathological: bool  # only tests want it
    dated: bool  # what another template was until the month in its name
    depends: int  # REQUEST, VIEWS or VIEW


class Registry(Collection[str]):
    """Registers the templates of one kind; a template's code is its place in the order of registration.

    A template is one kernel: its own parameters first, then the arguments every template of the kind
    takes. `dispatcher` chooses by code with an if-chain, the form numba compiles to the fastest code.
    """

    def __init__(
        self,
        kind: str,
        arguments: str,
        facts: Collection[str] = (),
        *,
        elsewhere: Mapping[str, str] = MappingProxyType({}),
        group: str = plugins.POLICIES,
    ) -> None:
        """Start an empty registry of templates that all take `arguments` (names, comma-separated).

        facts: what `reads` may name. elsewhere: what others call ours, for errors. group: the entry points that bring
        templates of installed packages.
        """
        self.kind, self.arguments = kind, arguments
        self._templates = plugins.Named[Template](kind, group, elsewhere)
        self._facts = facts

    def __iter__(self) -> Iterator[str]:
        """The names in the order of their codes."""
        return iter(self._templates)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._templates)

    def __contains__(self, name: object) -> bool:
        """Whether a template has this name."""
        return name in self._templates

    def items(self) -> ItemsView[str, Template]:
        """Names and templates in the order of their codes."""
        return self._templates.items()

    def __getitem__(self, name: str) -> Template:
        """A template; InputError with the nearest match if there is none."""
        return self._templates[name]

    def register(
        self,
        name: str,
        *,
        reads: tuple[str, ...] = (),
        memory: int = 0,
        oracle: bool = False,
        pathological: bool = False,
        dated: bool = False,
        depends: int = REQUEST,
        **bounds: Bounds,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Decorate a template: check its signature, compile it and give it the next code.

        `reads` names the facts it looks at, so that others are never gathered for it. `memory` is how many numbers
        it keeps, for everybody and for every tenant; for kinds that have that argument. `oracle` marks a
        template that reads the true output length, `pathological` one that is there for tests, `dated` one that
        is there for old results: they stay out of search spaces that do not name them. `depends` promises that values
        stay what they are while what they depend on does: then they are asked for less often.
        Raises TypeError for other arguments than the kind's, ValueError for a name that is taken or an unknown fact.
        """

        def add(function: Callable[..., Any]) -> Callable[..., Any]:
            self._check(name, function, reads, bounds)
            made = kernel(function)
            template = Template(made, bounds, frozenset(reads), memory, oracle, pathological, dated, depends)
            self._templates.register(name)(template)
            return made

        return add

    def _check(
        self, name: str, function: Callable[..., Any], reads: tuple[str, ...], bounds: Mapping[str, Bounds]
    ) -> None:
        """Raise TypeError or ValueError for what a template must not be."""
        what = f"{self.kind} {name!r}"
        if isinstance(reads, str):
            raise TypeError(f"{what}: reads must be a tuple of facts, got the text {reads!r}")
        for key, bound in bounds.items():
            if not isinstance(bound, Bounds) or not bound.low <= bound.high:
                raise TypeError(f"{what}: {key} must be Bounds(low, high) with low <= high, got {bound!r}")
        expected = [*bounds, *self.arguments.split(", ")]
        found = list(inspect.signature(function).parameters)
        if found != expected:
            raise TypeError(f"{what} takes ({', '.join(found)}); expected ({', '.join(expected)})")
        for fact in reads:
            if fact not in self._facts:
                raise ValueError(f"{what}: {unknown_name('fact', fact, self._facts)}")

    def forget(self, name: str) -> None:
        """Take a template out again, so that another may have its name: for notebooks and tests."""
        self._templates.forget(name)
        note_change()

    def code(self, name: str) -> int:
        """The number of a template; InputError with the nearest match if there is none."""
        self[name]
        return list(self).index(name)

    @property
    def deployable(self) -> list[str]:
        """The templates that a search may choose: all but oracles, pathological and dated ones."""
        return [name for name, one in self.items() if not (one.oracle or one.pathological or one.dated)]

    def values(self, name: str, given: Mapping[str, float]) -> list[float]:
        """A template's parameters in its declared order, defaults filled in.

        Raises InputError for a parameter it does not have, one that is missing, and one out of bounds.
        """
        known = self[name].bounds
        for key in given:
            if key not in known:
                raise unknown_name(f"parameter of {self.kind} {name!r}", key, known)
        values = []
        for key, bounds in known.items():
            value = given.get(key, bounds.default)
            if value is None:
                raise InputError(f"{self.kind} {name!r} needs the parameter {key}")
            check_number(f"{key} of {self.kind} {name!r}", value, bounds.low, bounds.high)
            values.append(float(value))
        return values

    def named_values(self, name: str, given: Mapping[str, float]) -> dict[str, float]:
        """The same by the parameters' names."""
        return dict(zip(self[name].bounds, self.values(name, given), strict=True))

    def dispatcher(self, wanted: Callable[[str], bool] = lambda name: True) -> Callable[..., Any]:
        """A kernel `call(code, params, <arguments>)`; it knows every template that is there when it is compiled.

        wanted: whether a template is, by its name; it is never called with others.
        """
        return kernel(Late(f"code, params, {self.arguments}", lambda: self._write_dispatch(wanted)))

    def _write_dispatch(self, wanted: Callable[[str], bool]) -> tuple[str, dict[str, Any]]:
        """The body of `call`, and what its names stand for."""
        lines, names = [], {}
        for code, (name, template) in enumerate(self.items()):
            if not wanted(name):
                continue
            values = [f"params[{position}]" for position in range(len(template.bounds))]
            lines.append(f"if code == {code}: return template_{code}({', '.join([*values, self.arguments])})")
            names[f"template_{code}"] = template.function
        lines.append(f"raise ValueError('{self.kind} code out of range')")
        return "\n".join(lines), names
