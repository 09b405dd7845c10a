"""The run folder: what users keep of a search. Every file is written whole or not at all.

`candidates.csv`, `best_policy.yaml`, `best_candidate.yaml` and `verdict.json` depend on the configuration alone;
whatever depends on clock, machine or worker count is in `run_info.json` (default-problem.md section 4).
"""

from __future__ import annotations

import json
import math
import os
import platform
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from blis.comparison.statistics import AnyComparison
from blis.files import write_text
from blis.policies.bundle import PolicyBundle, bundle_mapping
from blis.yaml_strict import OneLine, yaml_text
from search.explanation.explanation import Explanation
from search.identity import origin
from search.problem.policy import Policy
from search.run_folder.proof import proved_on
from search.running.archive import Archive
from search.settings import Settings
from search.uri import shown
from search.verdict.numbers import comparison_dict
from search.verdict.verdict import Verdict
from search.version import code_digest, libraries


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


def best_policy(settings: Settings, verdict: Verdict) -> PolicyBundle:
    """The policy to deploy: the one found, a rule, or what runs today, with what is proved of it."""
    advice = verdict.advice
    told = {"name": advice.name} if advice.name else {}
    return _with_provenance(settings, verdict, advice.policy, {"advice": advice.kind, **told}, advice.against)


def best_candidate(settings: Settings, verdict: Verdict) -> PolicyBundle | None:
    """The best policy of the search, whatever is proved of it; None if it has none."""
    if verdict.candidate is None:
        return None
    return _with_provenance(settings, verdict, verdict.candidate, {}, verdict.against_primary)


def _with_provenance(
    settings: Settings, verdict: Verdict, policy: Policy, told: Mapping[str, str], against: AnyComparison | None
) -> PolicyBundle:
    """A policy with what is proved of it, on how many tables of which pool, and where it came from.

    against: it against the primary baseline; None if they were not compared.
    """
    proof: dict[str, Any] = {"outcome": verdict.outcome, **told}
    if against is not None:
        proof |= {"against": settings.primary, **comparison_dict(against)}
        proof.pop("p", None)  # the interval says it
    provenance = {
        "sentence": verdict.sentence,
        "verdict": proof,
        "tables": {name: _pool_text(name, facts) for name, facts in verdict.question.pools.items()},
        "run": {**origin(settings), "seed": settings.seed},
        "problem": proved_on(settings),
    }
    return replace(policy.bundle, provenance=provenance)


def _pool_text(name: str, facts: Any) -> str:
    """A pool by its name and size; `verdict.json` lists its seeds."""
    if isinstance(facts, Mapping):
        return f"{facts['requests']} requests from {facts['start_s']:g} s to {facts['end_s']:g} s"
    return f"{len(facts)} of pool/{name}"


def bundle_text(bundle: PolicyBundle) -> str:
    """A bundle as YAML, each part of its provenance in one line."""
    mapping = bundle_mapping(bundle)
    told = {key: OneLine(part) if isinstance(part, dict) else part for key, part in bundle.provenance.items()}
    return yaml_text({**mapping, "provenance": told}, width=math.inf)


def write_run(settings: Settings, archive: Archive, verdict: Verdict, explanation: Explanation | None = None) -> None:
    """Write all files but the figures and `run_info.json`."""
    candidate = best_candidate(settings, verdict)
    texts = {
        "config.yaml": yaml_text(settings.config),
        "scenario.yaml": yaml_text(settings.problem.mapping()),
        "candidates.csv": archive.csv_text(),
        "best_policy.yaml": bundle_text(best_policy(settings, verdict)),
        **({} if candidate is None else {"best_candidate.yaml": bundle_text(candidate)}),
        "verdict.json": verdict.json_text(origin(settings), None if explanation is None else explanation.to_dict()),
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
        "simulations_per_candidate": settings.problem.simulations,
        "workers": settings.workers.count,
        "backend": settings.workers.backend,
        "machine": {"system": platform.platform(), "processor": platform.machine(), "cores": os.cpu_count()},
        "python": platform.python_version(),
        "code": code_digest(),
        "libraries": {**libraries(), "joblib": version("joblib")},
        "folder": str(settings.run_dir),
        "tracking": shown(settings.tracking.uri) if settings.tracking.enabled else None,
    }
    write_text(settings.run_dir / "run_info.json", json.dumps(info, indent=2) + "\n")
