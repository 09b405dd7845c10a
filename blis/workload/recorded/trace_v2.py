"""Trace v2: a YAML header and a CSV with a request a line (workload-and-calibration.md 16), as clients record them.

What a header may say of the server and the network is kept. Requests arrive when they were sent: latencies are measured
from there, and arrivals may be missing (0 in all rows). Two more columns may follow: `prefix_length`, how many tokens
the members of a prefix group share, and `cached_tokens`, how many of a prompt the server found in its cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from blis.errors import InputError, check_integer, check_number
from blis.files import unpacked_name
from blis.tables.network import Network
from blis.tables.requests import RequestTable
from blis.workload.assemble import MAX_TOKENS
from blis.workload.read.sheet import Sheet
from blis.workload.read.traffic import FileRows, traffic
from blis.workload.read.turns import CLOSED
from blis.workload.recorded.beside import server_beside, timeline_beside
from blis.workload.recorded.build import recording
from blis.workload.recorded.recording import Recording, Server
from blis.yaml_strict import build, load_mapping, named_source

COLUMNS = (
    *("request_id", "client_id", "tenant_id", "slo_class", "session_id", "round_index", "prefix_group", "streaming"),
    *("input_tokens", "output_tokens", "text_tokens", "image_tokens", "audio_tokens", "video_tokens", "reason_ratio"),
    *("arrival_time_us", "send_time_us", "first_chunk_time_us", "last_chunk_time_us", "num_chunks"),
    *("status", "error_message"),
)

#: The columns that no other file has.
TOLD_BY = ("client_id", "round_index", "streaming", "send_time_us", "first_chunk_time_us", "num_chunks")

STATUSES = ("ok", "error", "timeout")

_ROWS, _HEADER = (".csv",), (".yaml", ".yml")  # endings
_VERSION, _UNIT, _MOST = 2, "microseconds", 2**62


@dataclass(frozen=True)
class TraceServer:
    """The header's `server`."""

    type: str = ""
    model: str = ""
    tensor_parallel: int = 0
    max_num_seqs: int = 0
    block_size: int = 0
    gpu_memory_utilization: float = 0.0
    max_model_len: int = 0

    def __post_init__(self) -> None:
        """Check sizes."""
        for name in ("tensor_parallel", "max_num_seqs", "block_size", "max_model_len"):
            check_integer(f"server.{name}", getattr(self, name), 0, 2**31 - 1)

    @property
    def known(self) -> Server:
        """The same in our words."""
        return Server(
            model=self.model,
            tp=self.tensor_parallel,
            max_running=self.max_num_seqs,
            block_size_tokens=self.block_size,
            max_model_len=self.max_model_len,
        )


@dataclass(frozen=True)
class TraceNetwork:
    """The header's `network`."""

    measured_rtt_ms: float = 0.0

    def __post_init__(self) -> None:
        """Check the time."""
        check_number("network.measured_rtt_ms", self.measured_rtt_ms, 0, 1e9)


@dataclass(frozen=True)
class Header:
    """The header file."""

    trace_version: int
    time_unit: str
    mode: str
    warm_up_requests: int
    created_at: str = ""
    workload_spec: str = ""
    server: TraceServer = field(default_factory=TraceServer)
    network: TraceNetwork = field(default_factory=TraceNetwork)

    def __post_init__(self) -> None:
        """Check version and unit."""
        if self.trace_version != _VERSION:
            raise InputError(f"trace_version must be {_VERSION}, got {self.trace_version}")
        if self.time_unit != _UNIT:
            raise InputError(f"time_unit must be {_UNIT}, got {self.time_unit!r}")
        check_integer("warm_up_requests", self.warm_up_requests, 0)


_TRUE = ("1", "t", "true")  # as the format writes it, and as others do


def load_trace_v2(path: str | Path) -> Recording:
    """A trace by the path of either of its files; the other has the same name and ends in .yaml or .csv."""
    rows_path, header, sheet = _files(path)
    ids = _ids(sheet)
    arrival, sent, first, last = (
        sheet.integers(f"{name}_time_us", 0, _MOST) for name in ("arrival", "send", "first_chunk", "last_chunk")
    )
    outputs = sheet.integers("output_tokens", 0, MAX_TOKENS)
    ok = _ok(sheet) & (outputs > 0)
    timeline = timeline_beside(rows_path)
    engines = 0 if timeline is None else int(timeline["engines"].max(initial=0))
    streamed = np.array([cell.lower() in _TRUE for cell in sheet.cells["streaming"]])
    length = _column(sheet, "prefix_length")
    return recording(
        rows_path.name,
        arrival_us=sent,
        first_token_us=np.where(streamed, first, -1),
        completed_us=last,
        input_tokens=sheet.integers("input_tokens", 1, MAX_TOKENS),
        output_tokens=outputs,
        ok=ok,
        request_ids=[str(number) for number in ids],
        slo_class=sheet.cells["slo_class"],
        tenant=sheet.cells["tenant_id"],
        prefix_group=sheet.cells["prefix_group"],
        prefix_tokens=length,
        cached_tokens=_column(sheet, "cached_tokens"),
        session=sheet.cells["session_id"],
        warm_up=ids < header.warm_up_requests,
        client_side=True,
        server=server_beside(rows_path, replace(header.server.known, instances=engines)),
        network=Network(rtt_us=header.network.measured_rtt_ms * 1000),
        timeline=timeline,
        notes=(*_of_prefixes(sheet, length), *_of_arrivals(arrival, sent)),
    )


def load_replay(path: str | Path, turns: str = CLOSED) -> RequestTable:
    """The requests of a trace to be sent again: when they arrived, or were sent where no arrival is recorded.

    turns: how rows of a session are replayed, one of TURNS. A shared prefix is a part of the input. Those that
    failed or warmed the server up are left out and counted.
    """
    rows_path, header, sheet = _files(path)
    arrival, sent, last = (sheet.integers(f"{name}_time_us", 0, _MOST) for name in ("arrival", "send", "last_chunk"))
    length = _column(sheet, "prefix_length")
    ids = _ids(sheet)
    unrecorded = ("no arrivals are recorded: requests come when they were sent",) if not arrival.any() else ()
    file = FileRows(
        rows_path,
        times=arrival if arrival.any() else sent,
        time_unit="us",
        unit_given=True,
        input_tokens=sheet.integers("input_tokens", 1, MAX_TOKENS),
        output_tokens=sheet.integers("output_tokens", 0, MAX_TOKENS),
        classes=sheet.cells["slo_class"],
        tenants=sheet.cells["tenant_id"],
        sessions=sheet.cells["session_id"],
        prefix_groups=sheet.cells["prefix_group"],
        prefix_tokens=length,
        ids=[f"request_{number}" for number in ids],
        took_us=np.where(last > 0, last - sent, -1),
        turns=turns,
        kept=_ok(sheet) & (ids >= header.warm_up_requests),
        left_out="failed, or were there to warm the server up",
        notes=(*_of_prefixes(sheet, length), *unrecorded),
    )
    return traffic(file)


def files_beside(path: str | Path) -> list[Path]:
    """The files of a trace by the path of one of them, as far as they are there."""
    return [found for endings in (_ROWS, _HEADER) if (found := _beside(path, endings)) is not None]


def _files(path: str | Path) -> tuple[Path, Header, Sheet]:
    """Where the rows are, the header, and the rows."""
    rows_path, header_path = _beside(path, _ROWS), _beside(path, _HEADER)
    if header_path is None:
        name = unpacked_name(path).with_suffix(".yaml").name
        raise InputError(f"{path}: the header of the trace, {name}, is missing beside it")
    with named_source(header_path):
        header = build(Header, load_mapping(header_path))
    if rows_path is None:
        name = unpacked_name(path).with_suffix(".csv").name
        raise InputError(f"{path}: the rows of the trace, {name}, are missing beside its header")
    return rows_path, header, Sheet(rows_path, COLUMNS, ("prefix_length", "cached_tokens"))


def _beside(path: str | Path, endings: Sequence[str]) -> Path | None:
    """The file of the same name with one of some endings, packed or not."""
    base = unpacked_name(Path(path).expanduser())
    names = (base.with_suffix(f"{ending}{packed}") for ending in endings for packed in ("", ".gz", ".zst"))
    return next((name for name in names if name.is_file()), None)


def _ids(sheet: Sheet) -> NDArray[np.int64]:
    """[n] numbers of the requests. Raises InputError for one that is there twice."""
    ids = sheet.integers("request_id", 0, _MOST)
    sheet.check_unique("request_id", ids.tolist())
    return ids


def _ok(sheet: Sheet) -> NDArray[np.bool_]:
    """[n] whether a request was answered, as the trace says."""
    statuses = np.array(sheet.cells["status"])
    sheet.check("status", np.isin(statuses, STATUSES), lambda row: f"is none of {', '.join(STATUSES)}")
    return statuses == "ok"


def _column(sheet: Sheet, name: str) -> NDArray[np.int64]:
    """[n] tokens of a column that need not be there; 0 without it."""
    return sheet.integers(name, 0, MAX_TOKENS, blank=0) if name in sheet.cells else np.zeros(len(sheet), np.int64)


def _of_prefixes(sheet: Sheet, length: NDArray[np.int64]) -> tuple[str, ...]:
    if any(sheet.cells["prefix_group"]) and not length.any():
        return ("prefix groups without prefix_length: taken to share nothing",)
    return ()


def _of_arrivals(arrival: NDArray[np.int64], sent: NDArray[np.int64]) -> tuple[str, ...]:
    """How late requests were sent; a trace without arrivals says 0 for all of them."""
    if not arrival.any() or not (arrival != sent).any():
        return ()
    late_ms = ((sent - sent.min()) - (arrival - arrival.min())).max() / 1000
    return (f"requests were sent up to {late_ms:.1f} ms late; latencies count from when they were sent",)
