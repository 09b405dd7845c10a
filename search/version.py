"""The version of everything that decides a number: our code with its data, templates from elsewhere, libraries.

Over-cautious on purpose: a comment in a source file makes another version, too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path

import blis
from blis.errors import InputError
from blis.policies.admission import ADMISSION
from blis.policies.filters import FILTERS
from blis.policies.priority import PRIORITIES
from blis.policies.routing import ROUTING
from blis.policies.schedulers import SCHEDULERS
from blis.policies.scorers import SCORERS

LIBRARIES = ("numpy", "numba", "scipy", "deap", "optuna", "cmaes")

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
    return files_digest({**package_files(PACKAGES), **outside_templates()})


def package_files(packages: Mapping[str, Path]) -> dict[str, Path]:
    """The files that decide, by names that do not say where the packages are installed."""
    return {
        f"{name}/{path.relative_to(folder).as_posix()}": path
        for name, folder in packages.items()
        for pattern in PATTERNS[name]
        for path in folder.rglob(pattern)
    }


def outside_templates() -> dict[str, Path]:
    """The files of templates that were registered from outside the simulator, by kind and name.

    Raises InputError for one whose source is in no file.
    """
    found = {}
    for registry in (ADMISSION, FILTERS, PRIORITIES, ROUTING, SCHEDULERS, SCORERS):
        for name, template in registry.kernels.items():
            path = Path(getattr(template, "py_func", template).__code__.co_filename)
            if path.is_relative_to(PACKAGES["blis"]):
                continue
            if not path.is_file():
                raise InputError(f"{registry.kind} {name!r} is defined in {path}; put it into a file that can be read")
            found[f"{registry.kind} {name}"] = path
    return found


def files_digest(files: Mapping[str, Path]) -> str:
    """12 hex digits over names and contents, whatever the line ends."""
    digest = hashlib.sha256()
    for name, path in sorted(files.items()):
        digest.update(name.encode() + b"\0" + path.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return digest.hexdigest()[:12]
