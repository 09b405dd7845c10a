"""Things of one kind by name: ours, and those that installed packages bring.

A package adds to us by an entry point in one of the groups below; its value is a module, and importing that is all we
do: the module registers what it has with the same decorators that we use. Nothing is looked for before a name of the
kind is needed, so that a module can be imported while others of ours are not complete yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from threading import RLock
from types import MappingProxyType, ModuleType
from typing import TypeVar

from blis.errors import InputError, one_line, unknown_name

POLICIES = "blis.policies"  # scorers, filters, admission, routing, priority and scheduler templates
LATENCY = "blis.latency"  # latency models
WORKLOADS = "blis.workloads"  # length distributions, arrival processes
FORMATS = "blis.formats"  # formats of recorded traffic
FITNESS = "blis.fitness"  # terms of the relative fitness
DRIVERS = "blis.drivers"  # optimizers
COMMANDS = "blis.commands"  # subcommands of `blis`: modules with `add_parser`

T = TypeVar("T")

_loaded: set[str] = set()
_lock = RLock()


def load(group: str) -> None:
    """Import what installed packages have in a group, once; in the order of names, so that codes are the same.

    Raises InputError, naming package and module, if one of them cannot be imported.
    """
    if group in _loaded:
        return
    with _lock:
        if group not in _loaded:
            _loaded.add(group)  # at once: what is being imported may ask for names of its own kind
            for point in sorted(entry_points(group=group), key=lambda point: (point.name, point.value)):
                _import(point)


def modules(group: str) -> Iterator[ModuleType]:
    """The modules that installed packages have in a group, by name, imported. Raises InputError as `load` does."""
    for point in sorted(entry_points(group=group), key=lambda point: (point.name, point.value)):
        yield _import(point)


def _import(point: EntryPoint) -> ModuleType:
    try:
        found: ModuleType = point.load()
    except Exception as error:  # whatever a stranger's module does wrong
        package = f" of package {point.dist.name}" if point.dist else ""
        raise InputError(
            f"entry point {point.group}: {point.name} = {point.value}{package} cannot be loaded:"
            f" {type(error).__name__}: {one_line(error)}"
        ) from error
    return found


class Named(Mapping[str, T]):
    """The things of one kind by name, in the order of registration; a name is given once."""

    def __init__(self, kind: str, group: str, elsewhere: Mapping[str, str] = MappingProxyType({})) -> None:
        """kind: what errors call such a thing. group: entry points that bring more. elsewhere: others' name -> ours."""
        self.kind, self.group, self._elsewhere = kind, group, elsewhere
        self._things: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Decorate, or call with, a thing to give it its name. Raises ValueError if the name is taken."""

        def add(thing: T) -> T:
            self._check_free(name)
            self._things[name] = thing
            return thing

        return add

    def forget(self, name: str) -> None:
        """Take the thing of a name out again, so that another may have the name: for notebooks and tests."""
        self._things.pop(name)

    def __getitem__(self, name: str) -> T:
        """The thing of a name. Raises InputError with the nearest name if there is none."""
        load(self.group)
        if name not in self._things:
            raise unknown_name(self.kind, name, self._things, self._elsewhere.get(name))
        return self._things[name]

    def __contains__(self, name: object) -> bool:
        """Whether something has this name."""
        load(self.group)
        return name in self._things

    def __iter__(self) -> Iterator[str]:
        """The names in the order of registration."""
        load(self.group)
        return iter(self._things)

    def __len__(self) -> int:
        """How many there are."""
        load(self.group)
        return len(self._things)

    def _check_free(self, name: str) -> None:
        if name in self._things:
            raise ValueError(f"{self.kind} {name!r} is registered already; names are given once")
