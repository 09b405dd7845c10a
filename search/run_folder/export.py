"""The run folder: what users keep of a search. Every file is written whole or not at all.

`candidates.csv`, `best_policy.yaml` and `verdict.json` depend on the configuration alone; whatever depends on
clock, machine or worker count is in `run_info.json` (default-problem.md section 4).
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version

from blis.engine.run import source_digest
from blis.files import write_text
from blis.policies.bundle import PolicyBundle, bundle_mapping
from blis.yaml_strict import yaml_text
from search.identity import run_id, scenario_id
from search.running.archive import Archive
from search.settings import Settings
from search.verdict.verdict import Verdict

#: What of the comparison with the primary baseline goes with an exported policy: of drawn tables, of a trace.
PROOF = ("mean", "t", "bca", "tables", "interval", "blocks", "block_s")

LIBRARIES = ("numpy", "numba", "deap", "joblib", "optuna", "cmaes")


@dataclass
class Stopwatch:
    """Wall-clock seconds by the name of a part."""

    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Time a part; it counts even if it ends with an error."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


def with_provenance(settings: Settings, verdict: Verdict) -> PolicyBundle:
    """The exported policy with where it came from and what is proved of it."""
    primary = verdict.facts.get("baselines", {}).get(settings.primary)
    proof = {"outcome": verdict.outcome, "sentence": verdict.sentence}
    if primary is not None:
        proof |= {"against": settings.primary, **{key: primary[key] for key in PROOF if key in primary}}
    provenance = {
        "run_id": run_id(settings),
        "scenario": scenario_id(settings),
        "engine": source_digest(),
        "seed": settings.seed,
        "tables": dict(verdict.facts["pools"]),
        "verdict": proof,
    }
    return replace(verdict.policy, provenance=provenance)


def write_run(settings: Settings, archive: Archive, verdict: Verdict) -> None:
    """Write all files but the figures and `run_info.json`."""
    identity = {"run_id": run_id(settings), "scenario": scenario_id(settings), "engine": source_digest()}
    texts = {
        "config.yaml": yaml_text(settings.config),
        "scenario.yaml": yaml_text(settings.problem.mapping()),
        "candidates.csv": archive.csv_text(),
        "best_policy.yaml": yaml_text(bundle_mapping(with_provenance(settings, verdict))),
        "verdict.json": replace(verdict, facts={**verdict.facts, **identity}).json_text(),
    }
    for name, text in texts.items():  # all of them exist before the first is written
        write_text(settings.run_dir / name, text)


def write_run_info(settings: Settings, archive: Archive, watch: Stopwatch) -> None:
    """Write `run_info.json`: when, where, how fast."""
    searched = watch.seconds.get("search", 0.0)
    info = {
        "started": watch.started.isoformat(timespec="seconds"),
        "seconds": {name: round(value, 3) for name, value in watch.seconds.items()},
        "candidates": len(archive.rows),
        "candidates_per_second": round(len(archive.rows) / searched, 2) if searched else None,
        "simulations_per_candidate": len(settings.problem.search_seeds),
        "workers": settings.workers.count,
        "backend": settings.workers.backend,
        "machine": {"system": platform.platform(), "processor": platform.machine(), "cores": os.cpu_count()},
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in LIBRARIES},
        "folder": str(settings.run_dir),
        "tracking": settings.tracking.uri if settings.tracking.enabled else None,
    }
    write_text(settings.run_dir / "run_info.json", json.dumps(info, indent=2) + "\n")
