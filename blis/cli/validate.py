"""`blis validate`: what each file is, and whether it is right, before anything is run with it."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from blis.config import Scenario
from blis.deploy.config import read_config
from blis.deploy.document import load_document
from blis.deploy.helm import inner_config
from blis.deploy.schema import schema
from blis.errors import InputError
from blis.files import unpacked_name
from blis.policies.bundle import PolicyBundle, bundle_mapping, load_bundle
from blis.scenario import load_scenario, split_workload
from blis.workload.draw.inference_perf import BLOCK
from blis.workload.draw.spec import WorkloadSpec
from blis.workload.read.trace_formats import FORMATS, detect_format
from blis.workload.read.traces import TraceSpec
from blis.workload.source import load_workload
from blis.yaml_strict import load_mapping, named_source

BAD_INPUT = 2
SCENARIO, BUNDLE, REQUESTS, WORKLOAD, TRACE = "scenario", "bundle", "requests", "workload", "trace"
ROUTER = "router"
_UNKNOWN = "unknown"

_EXAMPLES = """\
examples:
  blis validate scenario.yaml best_policy.yaml requests.csv
  blis validate --kind bundle candidate.yaml
  blis validate conf/policy/*.yaml

One line a file: what it is, and what is in it or what is wrong with it. Exit status: 0 if all are valid, else 2.
"""


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "validate",
        help="say what files are, and whether they are valid",
        description="Check scenario, policy bundle, workload specification, router, requests and trace files.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(execute=execute)
    parser.add_argument("files", nargs="+", metavar="FILE", help="file to check")
    parser.add_argument("--kind", choices=list(_KINDS), help="what the files are; default: told from their content")


def execute(options: argparse.Namespace) -> int:
    """Print a line for each file; the exit status."""
    status = 0
    for path in options.files:
        kind = options.kind or _UNKNOWN
        try:
            kind = options.kind or detect_kind(path)
            print(f"{path}: {kind}, valid: {_KINDS[kind].check(path)}")
        except InputError as error:
            problem = str(error).removeprefix(f"{path}: ")
            print(f"{path}: {kind}, not valid: {problem}")
            status = BAD_INPUT
    return status


def detect_kind(path: str) -> str:
    """What a file is, by its ending and its content. Raises InputError if that cannot be told."""
    suffix = unpacked_name(path).suffix.lower()
    if suffix in (".csv", ".jsonl") or Path(path).is_dir():
        return _kind_of_rows(path)
    if suffix == ".json":
        try:
            return _kind_of_rows(path)
        except InputError:
            pass  # one document, then
    return _kind_of_keys(path, load_mapping(path))


def _kind_of_rows(path: str) -> str:
    """Requests or a trace."""
    return REQUESTS if detect_format(path) == "requests" else TRACE


def _kind_of_keys(path: str, mapping: Mapping[str, Any]) -> str:
    """The kind that most keys belong to; a key that is nearly one of a kind's counts for half."""
    if not mapping:
        return BUNDLE  # the one kind of file that may be empty
    score = {name: sum(_likeness(key, kind.keys) for key in mapping) for name, kind in _KINDS.items() if kind.keys}
    best = max(score, key=score.__getitem__)
    if not score[best]:
        known = "; ".join(f"{name}: {', '.join(kind.keys)}" for name, kind in _KINDS.items() if kind.keys)
        raise InputError(f"{path}: no key of any known kind of file ({known})")
    return best


def _likeness(key: str, keys: tuple[str, ...]) -> float:
    if key in keys:
        return 1.0
    return 0.5 if difflib.get_close_matches(key, keys, n=1, cutoff=0.8) else 0.0


def _check_scenario(path: str) -> str:
    with named_source(path):
        mapping, workload = split_workload(load_mapping(path))
        scenario = load_scenario(mapping)
        if workload is not None:
            with named_source("workload"):
                load_workload(workload)
    count = scenario.cluster.instances
    instances = f"{count} instance{'s' if count > 1 else ''}"
    return instances + (" and a workload" if workload is not None else "")


def _check_bundle(path: str) -> str:
    return f"sets {', '.join(bundle_mapping(load_bundle(path))) or 'nothing'}"


def _check_requests(path: str) -> str:
    return f"{len(FORMATS[REQUESTS].parse(path))} requests"


def _check_workload(path: str) -> str:
    workload = load_workload(path)
    if isinstance(workload, TraceSpec):
        return f"the trace {workload.path}"
    clients = [f"{len(workload.listed_clients)} clients"] if workload.listed_clients else []
    senders = " and ".join(clients + ["a population"] * (workload.population is not None))
    return "; ".join((f"{senders}, {workload.aggregate_rate:g} {workload.counts} a second", *workload.notes))


def _check_trace(path: str) -> str:
    name = detect_format(path)
    return f"{name}, {len(FORMATS[name].parse(path))} requests"


def _check_router(path: str) -> str:
    config = read_config(inner_config(load_document(path)))
    return f"{len(config.declared)} plugins, profiles {', '.join(config.profiles)}"


def _keys(*classes: type, without: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The keys of files that these dataclasses are read from."""
    names = (name for cls in classes for name in cls.__dataclass_fields__)  # type: ignore[attr-defined]
    return tuple(name for name in dict.fromkeys(names) if name not in without)


class _Kind(NamedTuple):
    """check: load a file and say what is in it. keys: of a mapping of this kind; () if it is not one."""

    check: Callable[[str], str]
    keys: tuple[str, ...]


_COMMON = ("name", "description", "seed", "slo_tiers")  # keys that say nothing about the kind
_KINDS = {
    SCENARIO: _Kind(_check_scenario, (*_keys(Scenario, without=_COMMON), WORKLOAD)),
    BUNDLE: _Kind(_check_bundle, _keys(PolicyBundle, without=("slo_tiers",))),
    REQUESTS: _Kind(_check_requests, ()),
    WORKLOAD: _Kind(_check_workload, (*_keys(WorkloadSpec, TraceSpec, without=_COMMON), BLOCK)),
    TRACE: _Kind(_check_trace, ()),
    ROUTER: _Kind(_check_router, tuple(key.rstrip("!") for key in schema("config"))),
}
