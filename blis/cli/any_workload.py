"""The workload that a word on the command line means: a file of any kind, a folder, or a name of conf/workload."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from blis.cli.diagnostics import Log
from blis.cli.flags import whole
from blis.cli.run_requests import tell_requests
from blis.cli.workload_names import workload_file
from blis.errors import InputError, check_integer
from blis.files import unpacked_name
from blis.tables.requests import RequestTable
from blis.workload.draw.spec import WorkloadSpec
from blis.workload.read.servegen import is_servegen
from blis.workload.read.traces import TraceSpec
from blis.workload.read.turns import TURNS
from blis.workload.source import Workload, load_workload, requests_of
from blis.yaml_strict import load_mapping

SOURCE_HELP = "workload YAML, trace in any format of `blis traces`, folder of ServeGen's, or name of conf/workload"


def any_workload(source: str) -> Workload:
    """What a path or a name stands for. Raises InputError for a name that there is not, with the nearest."""
    source = workload_file(source)
    path = Path(source).expanduser()
    if path.is_dir():
        return load_workload({"servegen_data": {"path": source}}) if is_servegen(path) else TraceSpec(source)
    if unpacked_name(path).suffix not in (".yaml", ".yml"):
        return TraceSpec(source)
    if path.exists() and "trace_version" in load_mapping(path):
        return TraceSpec(source, format="trace-v2")
    return load_workload(source)


def add_draw_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that `drawn_or_read` reads."""
    parser.add_argument("--seed", type=whole, metavar="N", help="of what is drawn; default: the workload's own")
    parser.add_argument("--turns", choices=TURNS, help="how a trace's conversations are replayed; default: closed")
    parser.add_argument("--num-requests", type=whole, metavar="N", help="how many; default: as the workload says")


def drawn_or_read(workload: Workload, options: argparse.Namespace, log: Log, rate_scale: float = 1.0) -> RequestTable:
    """Its requests. What was decided in the user's place is said. rate_scale: factor on the rate."""
    if options.num_requests is not None:
        check_integer("--num-requests", options.num_requests, 1)
    if options.turns is not None:
        if isinstance(workload, WorkloadSpec):
            raise InputError("--turns is for a recorded trace; a specification says `closed_loop`")
        workload = replace(workload, turns=options.turns)
    table = requests_of(workload, options.seed, options.num_requests, rate_scale)
    if isinstance(workload, WorkloadSpec):
        for line in workload.notes:
            log.warn(line)
    tell_requests(table, log)
    return table
