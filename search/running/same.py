"""Whether a search is the one that a checkpoint is of, and what is different if it is not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from blis.errors import InputError, one_line
from blis.yaml_strict import flat_keys
from search.identity import run_id
from search.saved import Saved
from search.settings import Settings
from search.version import code_parts, libraries

#: Parts of the configuration that may differ when a search is resumed: what changes nothing in its results, and its
#: budget, of which no driver knows.
MAY_DIFFER = ("parallel", "evaluations", "tracking", "driver.budget")

#: Differing keys, or parts of the code, that an error names.
NAMED = 3


def check_same(settings: Settings, saved: Saved) -> None:
    """Raise InputError unless the search is the one that was saved, with at least the budget that is spent."""
    difference = _difference(settings, saved)
    if difference:
        raise InputError(one_line(f"resume: {settings.resume} was started with {difference}"))
    budget, done = settings.driver.budget, len(saved.rows)
    if budget < done:
        raise InputError(f"resume: driver.budget={budget} is below the {done} candidates that were evaluated")


def _difference(settings: Settings, saved: Saved) -> str:
    """What the saved search has that this one has not, and what to do about it; empty if they are the same."""
    if keys := _different_keys(_comparable(settings.config), _comparable(saved.config)):
        return f"{keys}; give the same keys again, or none"
    if parts := _listed(_different(code_parts(), saved.code)):
        return f"another version of the code in {parts}; start a new search"
    then, now = saved.libraries, libraries()
    if changed := [f"{name} {then.get(name)} then, {now.get(name)} now" for name in _different(now, then)]:
        return f"other libraries: {'; '.join(changed)}"
    if saved.run_id != run_id(replace(settings, config=saved.config)):
        return "other input files (a baseline or the trace has changed)"
    return ""


def _different_keys(here: Mapping[str, Any], there: Mapping[str, Any]) -> str:
    """The first few keys whose values differ, with both values."""
    changed = _different(here, there)
    return _listed([f"{key}={_shown(there.get(key))} (not {_shown(here.get(key))})" for key in changed])


def _different(here: Mapping[str, Any], there: Mapping[str, Any]) -> list[str]:
    """The keys that have not the same value in both."""
    return [key for key in {**there, **here} if here.get(key) != there.get(key)]


def _listed(names: list[str]) -> str:
    """The first few, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _comparable(config: Mapping[str, Any]) -> dict[str, Any]:
    """The keys that must be equal, with dots, as JSON gives them back."""
    keys = flat_keys(json.loads(json.dumps(config)))
    return {key: value for key, value in keys.items() if not f"{key}.".startswith(tuple(f"{m}." for m in MAY_DIFFER))}


def _shown(value: object) -> str:
    """A value as the command line takes it."""
    return value if isinstance(value, str) else json.dumps(value)
