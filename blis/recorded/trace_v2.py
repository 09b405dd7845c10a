"""Trace v2: a YAML header and a CSV with a request a line (workload-and-calibration.md 16), as clients record them.

What a header may say of the server and the network is kept. Requests arrive when they were sent: latencies are measured
from there, and arrivals may be missing (0 in all rows). A last column `prefix_length` says how many tokens the members
of a prefix group share.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from blis.errors import InputError, check_integer, check_number
from blis.recorded.beside import server_beside
from blis.recorded.build import recording
from blis.recorded.recording import Recording, Server
from blis.tables.network import Network
from blis.workload.assemble import MAX_TOKENS
from blis.workload.read.sheet import Sheet
from blis.yaml_strict import build, load_mapping, named_source

COLUMNS = (
    *("request_id", "client_id", "tenant_id", "slo_class", "session_id", "round_index", "prefix_group", "streaming"),
    *("input_tokens", "output_tokens", "text_tokens", "image_tokens", "audio_tokens", "video_tokens", "reason_ratio"),
    *("arrival_time_us", "send_time_us", "first_chunk_time_us", "last_chunk_time_us", "num_chunks"),
    *("status", "error_message"),
)

STATUSES = ("ok", "error", "timeout")

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
    rows_path, header_path = Path(path).expanduser().with_suffix(".csv"), _header_path(path)
    with named_source(header_path):
        header = build(Header, load_mapping(header_path))
    sheet = Sheet(rows_path, COLUMNS, ("prefix_length",))
    ids = sheet.integers("request_id", 0, _MOST)
    arrival, sent, first, last = (
        sheet.integers(f"{name}_time_us", 0, _MOST) for name in ("arrival", "send", "first_chunk", "last_chunk")
    )
    outputs = sheet.integers("output_tokens", 0, MAX_TOKENS)
    statuses = np.array(sheet.cells["status"])
    sheet.check("status", np.isin(statuses, STATUSES), lambda row: f"is none of {', '.join(STATUSES)}")
    ok = (statuses == "ok") & (outputs > 0)
    streamed = np.array([cell.lower() in _TRUE for cell in sheet.cells["streaming"]])
    sheet.check("streaming", streamed | ~ok, lambda row: "is not true: nobody knows when the first token came")
    length = sheet.integers("prefix_length", 0, MAX_TOKENS, blank=0) if "prefix_length" in sheet.cells else 0
    return recording(
        rows_path.name,
        arrival_us=sent,
        first_token_us=first,
        completed_us=last,
        input_tokens=sheet.integers("input_tokens", 1, MAX_TOKENS),
        output_tokens=outputs,
        ok=ok,
        request_ids=[str(number) for number in ids],
        slo_class=sheet.cells["slo_class"],
        tenant=sheet.cells["tenant_id"],
        prefix_group=sheet.cells["prefix_group"],
        prefix_tokens=length,
        warm_up=ids < header.warm_up_requests,
        client_side=True,
        server=server_beside(rows_path, header.server.known),
        network=Network(rtt_us=header.network.measured_rtt_ms * 1000),
        notes=_notes(sheet, arrival, sent, length),
    )


def _notes(sheet: Sheet, arrival: NDArray[np.int64], sent: NDArray[np.int64], length: ArrayLike) -> tuple[str, ...]:
    """What a trace lacks, and how late its requests were sent; a trace without arrivals says 0 for all of them."""
    notes = []
    if any(sheet.cells["prefix_group"]) and not np.any(length):
        notes.append("prefix groups without prefix_length: taken to share nothing")
    if arrival.any() and (arrival != sent).any():
        late_ms = ((sent - sent.min()) - (arrival - arrival.min())).max() / 1000
        notes.append(f"requests were sent up to {late_ms:.1f} ms late; latencies count from when they were sent")
    return tuple(notes)


def _header_path(path: str | Path) -> Path:
    for ending in (".yaml", ".yml"):
        found = Path(path).expanduser().with_suffix(ending)
        if found.is_file():
            return found
    raise InputError(f"{path}: the header of the trace, {Path(path).with_suffix('.yaml').name}, is missing beside it")
