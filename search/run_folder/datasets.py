"""The requests of a search as MLflow's dataset inputs: which traffic a run stood on is then something to filter by."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from blis.workload.draw.pools import REPORT_POOL, SEARCH_POOL, SELECTION_POOL
from search.settings import Settings


@dataclass(frozen=True)
class Pool:
    """One pool of tables. context: what for; digest: 16 hex digits over all that decides its requests."""

    name: str
    context: str
    digest: str
    source: Mapping[str, Any]  # what its requests are made of


def pools(settings: Settings) -> list[Pool]:
    """The three pools of a search."""
    sizes = settings.validation
    counts = {
        SEARCH_POOL: len(settings.problem.search_seeds),
        SELECTION_POOL: sizes.selection_seeds,
        REPORT_POOL: sizes.report_seeds,
    }
    return [_pool(settings, name, n) for name, n in counts.items()]


def _pool(settings: Settings, name: str, n: int) -> Pool:
    traffic = settings.problem.traffic
    decides = {"workload": traffic.identity(), "tables": traffic.facts(name, n)}
    digest = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:16]
    return Pool(name, name.removeprefix("pool/"), digest, traffic.mapping())
