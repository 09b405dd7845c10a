"""Small runs of the real job: seconds, not minutes."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from blis.config import Scenario
from blis.engine.run import simulate
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable
from search.application import compose_settings
from search.settings import Settings, make_settings

SMALL = {
    "workload.first": 200,
    "driver.budget": 40,
    "driver.batch": 10,
    "parallel.n_jobs": 1,
    "validation.search_seeds": 2,
    "validation.selection_seeds": 3,
    "validation.report_seeds": 4,
    "validation.finalists": 3,
    "validation.random_policies": 3,
    "validation.explain": False,
    "validation.robust": False,
    "validation.saving": False,
}
NEEDED = ("workload.path", "workload.windows.warmup_s")  # before a short trace is a workload
GROUPS = ("cluster", "workload", "fitness", "search_space", "driver", "parallel", "tracking")


def small_settings(run_dir: Path, *overrides: str) -> Settings:
    """Settings of a small search without tracking; overrides are written as on the command line."""
    given = dict(override.split("=", 1) for override in overrides)
    groups = {"tracking": "none"} | {key: value for key, value in given.items() if key in GROUPS + NEEDED}
    mapping = copy.deepcopy(_composed(tuple(f"{key}={value}" for key, value in groups.items())))
    values = {key: yaml.safe_load(value) for key, value in given.items() if key not in GROUPS}
    for key, value in (SMALL | values).items():
        set_key(mapping, key, value)
    return make_settings(mapping, run_dir)


def with_simulation(settings: Settings, simulate: Callable[..., Any]) -> Settings:
    """Settings whose problem is simulated by another function."""
    return replace(settings, problem=replace(settings.problem, simulate=simulate))


def interrupted_at(settings: Settings, call: int) -> Settings:
    """Settings of a search in which somebody presses Ctrl-C in a certain simulation."""
    calls: list[int] = []

    def interrupted(scenario: Scenario, table: RequestTable) -> ResultTable:
        calls.append(1)
        if len(calls) == call:
            raise KeyboardInterrupt
        return simulate(scenario, table)

    return with_simulation(settings, interrupted)


def without_candidates(settings: Settings) -> Settings:
    """Settings of a search in which nothing but a baseline can be simulated."""
    known = [policy.scenario for policy in settings.baselines.values()]

    def failing(scenario: Scenario, table: RequestTable) -> ResultTable:
        if scenario not in known:
            raise ZeroDivisionError
        return simulate(scenario, table)

    return with_simulation(settings, failing)


def without_pictures(patch: pytest.MonkeyPatch) -> None:
    """Leave out the overview and the page, most of the time of a small run."""
    for name in ("write_overview", "write_page"):
        patch.setattr(f"search.__main__.{name}", lambda *arguments: None)


def set_key(mapping: dict[str, Any], key: str, value: object) -> None:
    """Set a dotted key of nested mappings, as an override does, but in no time."""
    *parents, last = key.split(".")
    for parent in parents:
        mapping = mapping[parent]
    mapping[last] = value


@cache
def _composed(choices: tuple[str, ...]) -> dict[str, Any]:
    """The configuration with these files chosen."""
    return dict(compose_settings(choices).config)
