"""Which search a result belongs to: one digest over everything that decides it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from blis.engine.run import source_digest
from blis.policies.bundle import bundle_digest
from search.settings import Settings

#: Parts of the configuration that change nothing in the results.
WITHOUT_EFFECT = ("parallel", "tracking", "baselines")


def run_id(settings: Settings) -> str:
    """16 hex digits over everything that decides the results: configuration, baselines, engine.

    Paths, workers and tracking are left out; a baseline enters by what it decides, a trace by its content.
    """
    config = {key: value for key, value in settings.config.items() if key not in WITHOUT_EFFECT}
    config["workload"] = settings.problem.traffic.identity()
    baselines = {name: bundle_digest(bundle) for name, bundle in settings.baselines.items()}
    return _digest({"config": config, "baselines": baselines, "engine": source_digest()})


def scenario_id(settings: Settings) -> str:
    """16 hex digits over `scenario.yaml`: cluster, instance and workload, a trace by its content."""
    return _digest(settings.problem.identity())


def _digest(content: Mapping[str, Any]) -> str:
    """16 hex digits of plain data, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:16]
