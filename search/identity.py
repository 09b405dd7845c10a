"""Which search a result belongs to: one digest over everything that decides it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from blis.engine.run import source_digest
from search.problem.policy import Policy
from search.settings import Settings
from search.version import code_digest, libraries

#: Parts of the configuration that change nothing in the results.
WITHOUT_EFFECT = ("parallel", "evaluations", "tracking", "baselines", "seeds")


def run_id(settings: Settings) -> str:
    """16 hex digits over everything that decides the results: configuration, input files, code, libraries.

    Paths, workers and tracking are left out; baselines and seeds enter by what they decide, a trace by its content.
    """
    config = {key: value for key, value in settings.config.items() if key not in WITHOUT_EFFECT}
    config["primary"] = settings.primary  # by its name: what it decides is among the baselines
    config["workload"] = settings.problem.traffic.identity()
    if settings.driver.journal is not None:
        config["driver"] = {**config["driver"], "journal": True}
    given = {key: _ids(policies) for key, policies in (("baselines", settings.baselines), ("seeds", settings.seeds))}
    return _digest({"config": config, **given, "code": code_digest(), "libraries": libraries()})


def _ids(policies: Mapping[str, Policy]) -> list[tuple[str, str]]:
    """Names and ids of policies, in the order in which generation 0 holds them."""
    return [(name, policy.id) for name, policy in policies.items()]


def scenario_id(settings: Settings) -> str:
    """16 hex digits over `scenario.yaml`: cluster, instance and workload, a trace by its content."""
    return _digest(settings.problem.identity())


def origin(settings: Settings) -> dict[str, str]:
    """What the files of a run say of where they come from."""
    ids = {"run_id": run_id(settings), "scenario": scenario_id(settings)}
    return {**ids, "engine": source_digest(), "code": code_digest()}


def _digest(content: Mapping[str, Any]) -> str:
    """16 hex digits of plain data, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:16]
