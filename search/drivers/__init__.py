"""The optimizers by name: a file each, which registers its own with `DRIVERS`, and one in conf/driver/.

In come a space, seed genomes and a random seed; out come proposals, which get better as scores are told.
Read `base.py` first, then `random_search.py`, the shortest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from blis.yaml_strict import build
from search.drivers.base import DRIVERS, Driver
from search.space.space import Genome, Space

__all__ = ["DRIVERS", "driver_options", "make_driver"]

for _file in iter_modules(__path__):
    import_module(f"{__name__}.{_file.name}")


def make_driver(name: str, space: Space, seeds: Sequence[Genome], seed: int, options: Mapping[str, object]) -> Driver:
    """A driver at its start. Raises InputError for an unknown name or option."""
    built = driver_options(name, options)
    return DRIVERS[name](space, seeds, seed, built)


def driver_options(name: str, options: Mapping[str, object]) -> Any:
    """The checked options of a driver. Raises InputError for an unknown name or option."""
    return build(DRIVERS[name].options_type, options, "driver.options")
