"""The searches of a multirun side by side: a row each, from the verdicts in their folders."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from blis.comparison.gain import gain
from blis.text import aligned
from search.settings import Settings


def jobs_table(jobs: Sequence[Settings]) -> str:
    """What each was asked for that not all were, what came of it against its primary baseline, and where it is."""
    common = set.intersection(*(set(job.overrides) for job in jobs))
    rows = [("", "verdict", "fitness", "95 %", "run folder")]
    for job in jobs:
        own = " ".join(override for override in job.overrides if override not in common)
        rows.append((own, *_found(job), str(job.run_dir)))
    return aligned(rows)


def _found(job: Settings) -> tuple[str, str, str]:
    """Outcome, fitness on fresh tables and its interval; blank where there is none."""
    path = job.run_dir / "verdict.json"
    facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    compared = facts.get("baselines", {}).get(job.primary)
    if compared is None:
        return facts.get("outcome", "no verdict"), "", ""
    return facts["outcome"], *gain(compared["mean"], compared.get("t") or compared["interval"])
