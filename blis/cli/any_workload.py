"""The workload that a word on the command line means: a file of any kind, a folder, or a name of conf/workload."""

from __future__ import annotations

import argparse
from pathlib import Path

import blis
from blis.cli.diagnostics import Log
from blis.cli.flags import whole
from blis.cli.run_requests import tell_requests
from blis.errors import unknown_name
from blis.files import unpacked_name
from blis.tables.requests import RequestTable
from blis.workload.draw.spec import WorkloadSpec
from blis.workload.read.servegen import is_servegen
from blis.workload.read.traces import TraceSpec
from blis.workload.source import Workload, load_workload, requests_of
from blis.yaml_strict import load_mapping

#: Where named workloads are: the user's own, those of a checkout, those of an installation.
_AROUND = Path(blis.__file__).parents[1]
_FOLDERS = (Path("conf/workload"), _AROUND / "conf" / "workload", _AROUND / "search" / "conf" / "workload")

SOURCE_HELP = "workload YAML, trace in any format of `blis traces`, folder of ServeGen's, or name of conf/workload"


def any_workload(source: str) -> Workload:
    """What a path or a name stands for. Raises InputError for a name that there is not, with the nearest."""
    path = Path(source).expanduser()
    if path.is_dir():
        return load_workload({"servegen_data": {"path": source}}) if is_servegen(path) else TraceSpec(source)
    if not path.exists() and path.name == source and not path.suffix:
        return load_workload(_named(source))
    if unpacked_name(path).suffix not in (".yaml", ".yml"):
        return TraceSpec(source)
    if path.exists() and "trace_version" in load_mapping(path):
        return TraceSpec(source, format="trace-v2")
    return load_workload(source)


def _named(name: str) -> Path:
    """The file of a named workload."""
    files = {file.stem: file for folder in reversed(_FOLDERS) for file in sorted(folder.glob("*.yaml"))}
    files.pop("trace", None)  # asks for a file
    if name not in files:
        raise unknown_name("workload", name, files)
    return files[name]


def add_draw_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that `drawn_or_read` reads."""
    parser.add_argument("--seed", type=whole, metavar="N", help="of what is drawn; default: the workload's own")
    parser.add_argument("--num-requests", type=whole, metavar="N", help="how many; default: as the workload says")


def drawn_or_read(workload: Workload, options: argparse.Namespace, log: Log) -> RequestTable:
    """Its requests. What was decided in the user's place is said."""
    table = requests_of(workload, options.seed, options.num_requests)
    if isinstance(workload, WorkloadSpec):
        for line in workload.notes:
            log.warn(line)
    tell_requests(table, log)
    return table
