"""The version of everything that decides a number: our code with its data, templates from elsewhere, libraries.

Over-cautious on purpose: a comment in a source file makes another version, too.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import FunctionType
from typing import Any

import blis
from blis.errors import InputError
from blis.fitness.terms import TERMS
from blis.latency import LATENCY
from blis.policies.admission import ADMISSION
from blis.policies.filters import FILTERS
from blis.policies.priority import PRIORITIES
from blis.policies.routing import ROUTING
from blis.policies.schedulers import SCHEDULERS
from blis.policies.scorers import SCORERS
from blis.workload.draw.arrivals import ARRIVAL_PROCESSES
from blis.workload.draw.lengths import LENGTH_LAWS
from blis.workload.read.trace_formats import FORMATS
from search.drivers import DRIVERS

LIBRARIES = ("numpy", "numba", "scipy", "deap", "optuna", "cmaes")

#: Everything that can be added to.
KINDS: tuple[Any, ...] = (
    *(ADMISSION, FILTERS, PRIORITIES, ROUTING, SCHEDULERS, SCORERS),
    *(LATENCY, LENGTH_LAWS, ARRIVAL_PROCESSES, FORMATS, TERMS, DRIVERS),
)

#: Where the packages are, and what of each decides: sources, and the shapes and coefficients that the simulator
#: ships. conf/ is not among it: its values are the configuration.
PACKAGES = {"blis": Path(blis.__file__).parent, "search": Path(__file__).parent}
PATTERNS = {"blis": ("*.py", "*.yaml"), "search": ("*.py",)}


@cache
def libraries() -> dict[str, str]:
    """The installed version of each library."""
    return {name: version(name) for name in LIBRARIES}


@cache
def code_digest() -> str:
    """12 hex digits over all code that runs."""
    return files_digest(_all_files())


@cache
def code_parts() -> dict[str, str]:
    """The same of each part, by its package or by what was registered: what has changed since then?"""
    parts: dict[str, dict[str, Path]] = {}
    for name, path in _all_files().items():
        parts.setdefault("/".join(name.split("/")[:2]), {})[name] = path
    return {part: files_digest(files) for part, files in parts.items()}


def _all_files() -> dict[str, Path]:
    return {**package_files(PACKAGES), **outside_files()}


def package_files(packages: Mapping[str, Path]) -> dict[str, Path]:
    """The files that decide, by names that do not say where the packages are installed."""
    return {
        f"{name}/{path.relative_to(folder).as_posix()}": path
        for name, folder in packages.items()
        for pattern in PATTERNS[name]
        for path in folder.rglob(pattern)
    }


def outside_files() -> dict[str, Path]:
    """The files of what was registered from outside our packages, by kind and name.

    Raises InputError for something whose source is in no file.
    """
    found = {}
    for kind in KINDS:
        for name, thing in kind.items():
            for part in _parts(thing):
                path = Path(inspect.getfile(part))
                if any(path.is_relative_to(folder) for folder in PACKAGES.values()):
                    continue
                if not path.is_file():
                    raise InputError(f"{kind.kind} {name!r} is defined in {path}; put it into a file that can be read")
                found[f"{kind.kind} {name} {part.__qualname__}"] = path
    return found


def _parts(thing: Any) -> Iterator[Any]:
    """The functions and the classes that something consists of."""
    if isinstance(thing, FunctionType | type):
        yield thing
    elif isinstance(thing, tuple):
        for part in thing:
            yield from _parts(part)


def files_digest(files: Mapping[str, Path]) -> str:
    """12 hex digits over names and contents, whatever the line ends."""
    digest = hashlib.sha256()
    for name, path in sorted(files.items()):
        digest.update(name.encode() + b"\0" + path.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return digest.hexdigest()[:12]
