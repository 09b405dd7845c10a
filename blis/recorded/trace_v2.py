"""Trace v2: a YAML header and a CSV with a request a line (workload-and-calibration.md 16), as clients record them.

What a header may say of the server and the network is kept. A trace whose arrivals were not recorded is replayed by
when its requests were sent. A last column `prefix_length` says how many tokens the members of a prefix group share.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from blis.errors import InputError
from blis.recorded.build import recording
from blis.recorded.recording import Network, Recording, Server
from blis.workload.read.sheet import Sheet
from blis.yaml_strict import build, load_mapping, named_source

COLUMNS = (
    *("request_id", "client_id", "tenant_id", "slo_class", "session_id", "round_index", "prefix_group", "streaming"),
    *("input_tokens", "output_tokens", "text_tokens", "image_tokens", "audio_tokens", "video_tokens", "reason_ratio"),
    *("arrival_time_us", "send_time_us", "first_chunk_time_us", "last_chunk_time_us", "num_chunks"),
    *("status", "error_message"),
)

_VERSION, _UNIT, _NS = 2, "microseconds", 2**62


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


@dataclass(frozen=True)
class TraceNetwork:
    """The header's `network`."""

    measured_rtt_ms: float = 0.0


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


def load_trace_v2(path: str | Path) -> Recording:
    """A trace by the path of either of its files; the other has the same name and ends in .yaml or .csv."""
    rows_path, header_path = Path(path).expanduser().with_suffix(".csv"), _header_path(path)
    with named_source(header_path):
        header = build(Header, load_mapping(header_path))
    sheet = Sheet(rows_path, COLUMNS, ("prefix_length",))
    ids = sheet.integers("request_id", 0, _NS)
    arrival, sent, first, last = (
        sheet.integers(f"{name}_time_us", 0, _NS) for name in ("arrival", "send", "first_chunk", "last_chunk")
    )
    outputs = sheet.integers("output_tokens", 0, 10**9)
    length = sheet.integers("prefix_length", 0, 10**9, blank=0) if "prefix_length" in sheet.cells else 0
    notes = []
    if any(sheet.cells["prefix_group"]) and not np.any(length):
        notes.append("prefix groups without prefix_length: taken to share nothing")
    if (arrival != sent).any() and arrival.any():
        notes.append(f"requests were sent up to {(sent - arrival).max() / 1000:.1f} ms after they should have been")
    return recording(
        rows_path.name,
        arrival_us=sent,
        first_token_us=first,
        completed_us=last,
        input_tokens=sheet.integers("input_tokens", 1, 10**9),
        output_tokens=outputs,
        ok=np.array([status == "ok" for status in sheet.cells["status"]]) & (outputs > 0),
        request_ids=sheet.cells["request_id"],
        slo_class=sheet.cells["slo_class"],
        tenant=sheet.cells["tenant_id"],
        prefix_group=sheet.cells["prefix_group"],
        prefix_tokens=length,
        warm_up=ids < header.warm_up_requests,
        client_side=True,
        server=Server(
            model=header.server.model,
            tp=header.server.tensor_parallel,
            max_running=header.server.max_num_seqs,
            block_size_tokens=header.server.block_size,
            max_model_len=header.server.max_model_len,
        ),
        network=Network(rtt_us=header.network.measured_rtt_ms * 1000),
        notes=tuple(notes),
    )


def _header_path(path: str | Path) -> Path:
    for ending in (".yaml", ".yml"):
        found = Path(path).expanduser().with_suffix(ending)
        if found.is_file():
            return found
    raise InputError(f"{path}: the header of the trace, {Path(path).with_suffix('.yaml').name}, is missing beside it")
