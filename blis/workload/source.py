"""Where requests come from: a specification to draw them from, a trace that is named, or the file itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from blis.tables.requests import RequestTable
from blis.workload.draw.generate import generate
from blis.workload.draw.spec import WorkloadSpec, load_spec
from blis.workload.read.traces import TraceSpec, is_trace, load_trace, trace_spec
from blis.yaml_strict import load_mapping, named_source

Workload = WorkloadSpec | TraceSpec


def load_workload(source: str | Path | Mapping[str, Any]) -> Workload:
    """A workload from a YAML file or a mapping: with a `path` it is a trace, else a specification.

    Strict: raises InputError naming file and key.
    """
    if isinstance(source, str | Path):
        with named_source(source):
            return load_workload(load_mapping(source))
    return trace_spec(source) if is_trace(source) else load_spec(source)


def requests_of(
    workload: Workload, seed: int | None = None, n: int | None = None, rate_scale: float = 1.0
) -> RequestTable:
    """The requests of a workload, of a trace all that the specification takes.

    seed: of what is drawn; the workload's own if left out. n: how many, if not the workload's own number.
    rate_scale: factor on the arrival rate, on top of the workload's own.
    """
    seed = workload.seed if seed is None else seed
    if isinstance(workload, WorkloadSpec):
        return generate(workload, seed, n, rate_scale)
    changed = replace(workload, seed=seed, first=workload.first if n is None else n)
    return load_trace(changed.faster(rate_scale))


def load_requests(path: str | Path) -> RequestTable:
    """The requests of a file in any format of FORMATS, told from its content."""
    return load_trace(TraceSpec(str(path)))
