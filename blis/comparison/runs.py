"""Simulating for a comparison: what counts of a run, and runs with samples for the picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from blis.api import simulate
from blis.comparison.measures import Rows, rows_of
from blis.comparison.picture import PictureRun, picture
from blis.comparison.style import png
from blis.config import Scenario
from blis.engine.observe import Observe
from blis.files import write_bytes
from blis.tables.requests import RequestTable

#: Samples across the longest run of a picture, more than it has points across.
SAMPLES = 800


def counted_run(scenario: Scenario, table: RequestTable, compat: str | None = None) -> Rows:
    """What one policy does on one table."""
    run = simulate(scenario, table, compat=compat)
    return rows_of(scenario, run.requests, run.table)


def write_picture(
    path: str | Path, scenarios: Mapping[str, Scenario], table: RequestTable, compat: str | None = None
) -> None:
    """Write the picture of all policies on one table, whole or not at all."""
    durations_us = [simulate(scenario, table, compat=compat).table.duration_us for scenario in scenarios.values()]
    observe = Observe(sample_us=max(max(durations_us) // SAMPLES, 1))
    runs = {}
    for name, scenario in scenarios.items():
        run = simulate(scenario, table, compat=compat, observe=observe)
        blocks = np.array([replica.instance.kv.blocks for replica in scenario.replicas])
        assert run.table.samples is not None
        runs[name] = PictureRun(rows_of(scenario, run.requests, run.table), run.table.samples, blocks)
    title = f"{len(table)} requests on {len(run.table.instances)} instances"
    write_bytes(path, png(picture(runs, title)))
