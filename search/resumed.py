"""The configuration of a search that goes on: what its checkpoint says, but for the keys that are given now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from search.saved import read_saved
from search.settings import absolute

#: A group whose files change keys of all others: who gives it again gives all keys again.
EXPERIMENT = "experiment"


def continued(composed: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """A composed configuration as it is, or if it says `resume` that of the search in that folder.

    overrides: from which it was composed; what they say counts. Raises InputError for a folder without a checkpoint.
    """
    if not isinstance(composed.get("resume"), str):
        return dict(composed)
    keys = [key_of(override) for override in overrides]
    if EXPERIMENT in keys:
        return dict(composed)
    saved = read_saved(Path(absolute(composed["resume"])).resolve()).config
    found = deepcopy(saved)
    for key in keys:
        _take_over(found, composed, key.split("."))
    if "driver.budget" not in keys:  # a driver's file has one, too
        _take_over(found, saved, ["driver", "budget"])
    return found


def key_of(override: str) -> str:
    """The key of an override: `+a.b@c=1` sets `a.b`."""
    return override.lstrip("+~").partition("=")[0].partition("@")[0]


def _take_over(found: dict[str, Any], given: Mapping[str, Any], path: Sequence[str]) -> None:
    """Give a key, by its path, the value that it has in another mapping, if it has one there."""
    key, *rest = path
    if key not in given:
        found.pop(key, None)
    elif rest and isinstance(given[key], Mapping) and isinstance(found.get(key), dict):
        _take_over(found[key], given[key], rest)
    else:
        found[key] = given[key]
