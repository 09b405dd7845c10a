"""Recorded traffic as a workload: which file, which part of it, how fast, and what the file does not say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from blis.config import MAX_TIME_US
from blis.errors import InputError, check_choice, check_integer, check_number
from blis.tables.requests import RequestTable
from blis.workload.content.adapters import with_adapters
from blis.workload.draw.adapters import Adapters
from blis.workload.draw.arrivals import MAX_REQUESTS
from blis.workload.draw.senders import Tenants, check_shares
from blis.workload.draw.streams import stream
from blis.workload.follow import cut_at
from blis.workload.read.clock import TIME_UNITS
from blis.workload.read.trace_formats import FORMATS, detect_format
from blis.workload.read.turns import TURNS
from blis.workload.windows import POOLS, Windows, slice_rows, split
from blis.yaml_strict import build, named_source, plain

AUTO = "auto"
_IN_FILE = "in the file: "  # what notes of a part begin with


@dataclass(frozen=True)
class TraceSpec:
    """A trace file and what is taken from it; field names are the keys of conf/workload/trace.yaml.

    path: the file. format: a name of FORMATS, or `auto` to tell it from the content.
    time_unit: what the file's times are in, a name of TIME_UNITS; None = what the format says.
    block_tokens: how many tokens a hash stands for; None = as many as the format says, or the number of hashes.
    turns: how requests of one conversation are replayed, a name of TURNS; None = closed, where the file says who
    follows whom: the next comes when the answer before it is complete, after the recorded pause; our own CSV's come
    when they say.
    start_s, end_s: only arrivals in [start_s, end_s) since the first one, and time starts there; end_s None = to
    the end, and conversations are cut there. first: of these, only so many requests; None = all. rate_scale: divides
    all gaps, and what clients think between an answer and the next question.
    classes: class name -> share, drawn a request at random for a file that names no classes; the shares sum to 1.
    tenants: the same for tenants. None = all requests are of one class or tenant without a name.
    adapters: the same for LoRA adapters, one a session, or one a tenant. None = all are for the base model.
    seed: of these draws and of random ties. A row of the file draws the same whatever part of it is taken.
    utilisation: a search scales its cluster so that the trace keeps it so busy; None = it stays as it is.
    windows: how the time is divided into pools.
    """

    path: str
    format: str = AUTO
    time_unit: str | None = None
    block_tokens: int | None = None
    turns: str | None = None
    start_s: float = 0.0
    end_s: float | None = None
    first: int | None = None
    rate_scale: float = 1.0
    classes: dict[str, float] | None = None
    tenants: Tenants | None = None
    adapters: Adapters | None = None
    seed: int = 0
    utilisation: float | None = None
    windows: Windows = field(default_factory=Windows)

    def __post_init__(self) -> None:
        """Check names, ranges and shares; the file is not touched."""
        if not self.path:
            raise InputError("path must name the trace file, as in workload.path=traffic.jsonl")
        check_choice("format", self.format, (AUTO, *FORMATS))
        if self.time_unit is not None:
            check_choice("time_unit", self.time_unit, TIME_UNITS)
        if self.block_tokens is not None:
            check_integer("block_tokens", self.block_tokens, 1, 2**20)
        if self.turns is not None:
            check_choice("turns", self.turns, TURNS)
        check_number("start_s", self.start_s, 0, MAX_TIME_US / 1e6)
        if self.end_s is not None:
            check_number("end_s", self.end_s, 0, MAX_TIME_US / 1e6, above=self.start_s)
        if self.first is not None:
            check_integer("first", self.first, 1, MAX_REQUESTS)
        check_number("rate_scale", self.rate_scale, 1e-6, 1e6)
        check_integer("seed", self.seed, 0)
        if self.utilisation is not None:
            check_number("utilisation", self.utilisation, 0, 10, above=0)
        if self.classes is not None:
            check_shares("classes", self.classes)

    def faster(self, factor: float) -> TraceSpec:
        """The same with so many times the arrival rate."""
        check_number("rate_scale", factor, above=0)
        return replace(self, rate_scale=self.rate_scale * factor)


def trace_spec(mapping: Mapping[str, Any]) -> TraceSpec:
    """A specification from a mapping. Strict: raises InputError naming the key for whatever is wrong."""
    return build(TraceSpec, mapping)


def trace_mapping(spec: TraceSpec) -> dict[str, Any]:
    """The specification as plain objects, which `trace_spec` reads back equal."""
    mapping: dict[str, Any] = plain(spec)
    return mapping


def is_trace(workload: Mapping[str, Any]) -> bool:
    """Whether a workload's mapping names a recorded trace; else it is a specification to draw requests from."""
    return "path" in workload


def load_window(spec: TraceSpec, pool: str) -> RequestTable:
    """The requests of one window of a trace, a name of POOLS, with its warm-up."""
    check_choice("window", pool, POOLS)
    table = load_trace(spec)
    return _part_of(table, split(table, spec.windows)[pool].table)


def load_trace(spec: TraceSpec) -> RequestTable:
    """The requests of a trace. Classes, tenants and `uniform` that the file gives are kept.

    Random streams of `spec.seed`: trace/class, trace/tenant, trace/adapter, trace/uniform. Raises InputError naming
    the file, and the line and column where a row cannot be simulated.
    """
    return taken(whole_file(spec), spec)


def whole_file(spec: TraceSpec) -> RequestTable:
    """All requests of a trace's file, with what a specification says of them, at their recorded times."""
    name = format_of(spec)
    return _complete(parse(spec, name), spec, draws_ties=name != "requests")


def taken(whole: RequestTable, spec: TraceSpec) -> RequestTable:
    """What a specification takes of its file, at the specification's rate. whole: of the same with any rate."""
    table = whole
    start_us = round(spec.start_s * 1e6)
    end_us = MAX_TIME_US if spec.end_s is None else round(spec.end_s * 1e6)
    if (start_us, end_us) != (0, MAX_TIME_US):
        table = cut_at(table, (start_us, end_us))
    first, last = np.searchsorted(table.opened_us, (start_us, end_us)).tolist()
    if spec.first is not None:
        last = min(last, first + spec.first)
    if first == last:
        reach_s = int(table.soonest_us.max()) / 1e6
        raise InputError(f"{spec.path}: no request from start_s {spec.start_s:g} on; the last one is at {reach_s:g} s")
    if (first, last, start_us) != (0, len(table), 0):
        table = slice_rows(table, first, last, start_us)
    with named_source(spec.path):
        return rescaled(_part_of(whole, table), spec.rate_scale)


def _part_of(whole: RequestTable, table: RequestTable) -> RequestTable:
    """A table that was cut out of another, with notes that say that they are of all requests of the file."""
    if len(table) == len(whole):
        return table
    return replace(table, notes=tuple(f"{_IN_FILE}{note.removeprefix(_IN_FILE)}" for note in whole.notes))


def format_of(spec: TraceSpec) -> str:
    """The name of the format that a trace's file is in."""
    return detect_format(spec.path) if spec.format == AUTO else spec.format


def parse(spec: TraceSpec, name: str) -> RequestTable:
    """The requests of the whole file as they stand there; it is of this format.

    Raises InputError if the specification says of the file what the format leaves no choice in.
    """
    said = {key: getattr(spec, key) for key in ("time_unit", "block_tokens", "turns") if getattr(spec, key) is not None}
    for key in said:
        if key not in FORMATS[name].takes:
            raise InputError(f"{spec.path}: {key} is given, but format {name!r} leaves no choice in that")
    return FORMATS[name].parse(spec.path, **said)


def _complete(table: RequestTable, spec: TraceSpec, draws_ties: bool) -> RequestTable:
    """The table with what its file does not say: classes, tenants and numbers for random ties."""
    drawn: dict[str, Any] = {}
    if spec.classes is not None and not any(table.slo_names):
        drawn["slo_class"] = _draw(spec, "trace/class", list(spec.classes.values()), len(table)).astype(np.int16)
        drawn["slo_names"] = tuple(spec.classes)
    if spec.tenants is not None and not any(table.tenant_names):
        drawn["tenant"] = _draw(spec, "trace/tenant", spec.tenants.shares(), len(table)).astype(np.int32)
        drawn["tenant_names"] = tuple(f"tenant_{i}" for i in range(spec.tenants.count))
    if draws_ties:
        drawn["uniform"] = stream(spec.seed, "trace/uniform").random(len(table))
    for column in drawn.values():
        if isinstance(column, np.ndarray):
            column.setflags(write=False)
    table = replace(table, cache={}, **drawn)
    if spec.adapters is None or table.adapter is not None:
        return table
    adapter = spec.adapters.draw(stream(spec.seed, "trace/adapter"), table.tenant)[_openers(table)]
    return table if (adapter < 0).all() else with_adapters(table, adapter, spec.adapters.names)


def _openers(table: RequestTable) -> np.ndarray[Any, Any]:
    """[n] the first row of each one's session; of a row without one itself."""
    rows = np.arange(len(table))
    first = np.full(len(table.session_names) + 1, len(table))
    np.minimum.at(first, table.session, rows)
    return np.where(table.session < 0, rows, first[table.session])


def _draw(spec: TraceSpec, name: str, shares: Any, n: int) -> np.ndarray[Any, Any]:
    """[n] independent indices, each drawn with its share; the first k are the same for every n >= k."""
    return stream(spec.seed, name).choice(len(shares), size=n, p=shares)


def rescaled(table: RequestTable, rate_scale: float) -> RequestTable:
    """The table with all arrivals, and what clients of a closed loop think, divided by `rate_scale`."""
    if rate_scale == 1:
        return table
    if table.soonest_us.max() / rate_scale >= MAX_TIME_US:
        raise InputError(f"rate_scale {rate_scale:g} puts arrivals beyond {MAX_TIME_US} µs")
    arrival_us = np.where(table.arrival_us < 0, -1, np.rint(table.arrival_us / rate_scale).astype(np.int64))
    arrival_us.setflags(write=False)
    table = replace(table, arrival_us=arrival_us, cache={})
    if table.predecessor is None or table.think_us is None:
        return table
    think_us = np.where(table.predecessor < 0, 0, np.maximum(np.rint(table.think_us / rate_scale).astype(np.int64), 1))
    think_us.setflags(write=False)
    return replace(table, think_us=think_us)
