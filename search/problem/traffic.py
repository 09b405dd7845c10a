"""Where the requests of a problem come from: drawn from a specification, or recorded in a trace.

Drawn tables are named by their seeds, and there are as many as one likes. A trace is one sample: each pool is
one window of it, later windows judging what was found on earlier ones (default-problem.md section 3).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

from blis.config import Scenario
from blis.errors import InputError
from blis.tables.requests import RequestTable
from blis.workload.capacity import scaled_instances
from blis.workload.draw.generate import generate, mean_input_tokens
from blis.workload.draw.pools import pool_seed
from blis.workload.draw.spec import WorkloadSpec, spec_mapping
from blis.workload.read.known_traces import file_digest
from blis.workload.read.traces import TraceSpec, taken, trace_mapping, whole_file
from blis.workload.windows import Window, split

TableKey = int | str  # names a table: the seed of a drawn one, the window of a trace

OFFERED_TOKENS = "offered_tokens_per_s"  # mean input tokens per second


class Traffic(Protocol):
    """Requests in three pools that never overlap."""

    def pool(self, name: str, n: int) -> tuple[TableKey, ...]:
        """The keys of a pool's first `n` tables, or of all that there are."""

    def table(self, key: TableKey) -> RequestTable:
        """The requests under a key."""

    def facts(self, pool: str, n: int) -> Any:
        """What a verdict says of a pool, so that its tables can be found again."""

    @property
    def rates(self) -> dict[str, float]:
        """Rates that a search space may scale by."""

    def sized(self, scenario: Scenario) -> Scenario:
        """The scenario with as many instances as the requests call for, if they say so."""

    def faster(self, factor: float) -> Traffic:
        """The same with so many times the arrival rate."""

    def redrawn(self) -> Traffic | None:
        """The same with another population (tenants, prefixes), if there can be one."""

    def mapping(self) -> dict[str, Any]:
        """The workload of a scenario file."""

    def identity(self) -> dict[str, Any]:
        """The same by what it decides: a file enters with its content, not with its path."""


@dataclass(frozen=True)
class Drawn:
    """Requests drawn from a specification, as many tables as there are seeds."""

    spec: WorkloadSpec

    def pool(self, name: str, n: int) -> tuple[int, ...]:
        """The first `n` seeds of a pool."""
        return tuple(pool_seed(self.spec.seed, name, i) for i in range(n))

    def table(self, key: TableKey) -> RequestTable:
        """The table of a seed."""
        return generate(self.spec, int(key))

    def facts(self, pool: str, n: int) -> list[int]:
        """The seeds."""
        return list(self.pool(pool, n))

    @cached_property
    def rates(self) -> dict[str, float]:
        """Of the specification, not of a table."""
        return {OFFERED_TOKENS: self.spec.aggregate_rate * mean_input_tokens(self.spec)}

    def sized(self, scenario: Scenario) -> Scenario:
        """The scenario as it is."""
        return scenario

    def faster(self, factor: float) -> Drawn:
        """The specification with another rate: its tables have the same requests, closer together."""
        return Drawn(replace(self.spec, aggregate_rate=self.spec.aggregate_rate * factor))

    def redrawn(self) -> Drawn:
        """The population of the specification's next seed."""
        return Drawn(replace(self.spec, seed=self.spec.seed + 1))

    def mapping(self) -> dict[str, Any]:
        """The specification."""
        return spec_mapping(self.spec)

    def identity(self) -> dict[str, Any]:
        """The specification; a folder of data enters with its content, not with its path."""
        mapping = self.mapping()
        if self.spec.servegen_data is not None:
            mapping["servegen_data"]["path"] = f"sha256:{self.spec.servegen_data.digest}"
        return mapping


@dataclass(frozen=True)
class Recorded:
    """The requests of a trace: one table a pool, its window. Raises InputError when the file is first needed.

    The file is read once, at whatever rates it is then replayed.
    """

    spec: TraceSpec
    _files: list[RequestTable] = field(default_factory=list, compare=False, repr=False)  # the file, once it is read

    @cached_property
    def trace(self) -> RequestTable:
        """All that is taken from the file."""
        if not self._files:
            self._files.append(whole_file(self.spec))
        return taken(self._files[0], self.spec)

    @cached_property
    def windows(self) -> dict[str, Window]:
        """The windows by name."""
        return split(self.trace, self.spec.windows)

    def pool(self, name: str, n: int) -> tuple[str, ...]:
        """The name of the pool's window; there is no second one."""
        return (name.removeprefix("pool/"),)

    def table(self, key: TableKey) -> RequestTable:
        """The window of that name, with its warm-up."""
        return self.windows[str(key)].table

    def facts(self, pool: str, n: int) -> dict[str, Any]:
        """The window's place in the trace's time, and how many requests are scored or warm up."""
        (name,) = self.pool(pool, n)
        window = self.windows[name]
        scored = window.table.scored_rows
        return {
            "window": name,
            "start_s": window.start_us / 1e6,
            "end_s": window.end_us / 1e6,
            "requests": scored.stop - scored.start,
            "warmup_requests": scored.start,
        }

    @cached_property
    def rates(self) -> dict[str, float]:
        """Of the search window: what comes later is not known yet."""
        window = self.windows["search"]
        tokens = int(window.table.input_tokens[window.table.scored_rows].sum())
        return {OFFERED_TOKENS: tokens / (window.end_us - window.start_us) * 1e6}

    def sized(self, scenario: Scenario) -> Scenario:
        """The scenario scaled to the specification's utilisation, if that is given."""
        if self.spec.utilisation is None:
            return scenario
        instances = scaled_instances(self.trace, scenario.instance, self.spec.utilisation)
        return replace(scenario, cluster=replace(scenario.cluster, instances=instances))

    def faster(self, factor: float) -> Recorded:
        """The trace with other gaps; its windows have nearly the same requests."""
        return replace(self, spec=self.spec.faster(factor))

    def redrawn(self) -> None:
        """Nobody knows who else might have come."""

    def mapping(self) -> dict[str, Any]:
        """The specification, with the path as it was given."""
        return trace_mapping(self.spec)

    def identity(self) -> dict[str, Any]:
        """The specification with the file's digest for its path."""
        return {**self.mapping(), "path": f"sha256:{self._digest}"}

    @cached_property
    def _digest(self) -> str:
        return file_digest(self.spec.path)


def make_traffic(workload: WorkloadSpec | TraceSpec) -> Traffic:
    """The traffic that a specification describes."""
    return Recorded(workload) if isinstance(workload, TraceSpec) else Drawn(workload)


def drawn_specification(traffic: Traffic) -> WorkloadSpec:
    """The specification of drawn traffic. Raises InputError for a trace, which is what it is."""
    if not isinstance(traffic, Drawn):
        raise InputError("this needs a workload that can be drawn at will; a trace is one sample")
    return traffic.spec
