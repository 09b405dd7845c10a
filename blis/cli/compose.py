"""`blis compose`: several workload specifications as one."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from blis.cli.any_workload import any_workload
from blis.cli.flags import whole
from blis.errors import InputError, check_integer
from blis.workload.draw.arrivals import MAX_REQUESTS
from blis.workload.draw.compose import composed
from blis.workload.draw.spec import WorkloadSpec, spec_mapping
from blis.yaml_strict import dump_yaml

_EXAMPLES = """\
examples:
  blis compose rag mine/workload/all.yaml --out both.yaml
  blis run --config scenario.yaml --workload-spec both.yaml
  blis compose rag an_hour.yaml --out both.yaml --num-requests 5000    # whatever they say of their ends

Rates add up, and numbers of requests; ids stay unique; prefix groups of one name are one group. What contradicts is
refused by key: two populations, different horizons, num_requests in one alone, reuse.
"""


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "compose",
        help="merge workload specifications: everybody who sends in any of them",
        description="Merge workload specifications into one.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(execute=execute)
    parser.add_argument("specs", nargs="+", metavar="SPEC", help="workload YAML, or name of conf/workload; two or more")
    parser.add_argument(
        "--num-requests", type=whole, metavar="N", help="of all together, in place of what each says of its own end"
    )
    parser.add_argument("--out", required=True, metavar="FILE", help="workload YAML to write")


def execute(options: argparse.Namespace) -> None:
    """Read all, merge them and write the result."""
    if len(options.specs) < 2:
        raise InputError("give two specifications or more")
    if len(set(options.specs)) < len(options.specs):
        raise InputError("a specification is named twice; a higher aggregate_rate sends more of the same")
    parts = {source: _specification(source) for source in options.specs}
    spec = _of_length(parts, options.num_requests)
    dump_yaml(spec_mapping(spec), options.out)
    print(f"{options.out}: {len(spec.senders)} senders, {spec.aggregate_rate:g} {spec.counts} a second")
    if others := [f"{source} has {part.seed}" for source, part in parts.items() if part.seed != spec.seed]:
        print(f"seed {spec.seed} for all, so that some draw other requests than alone: {', '.join(others)}")


def _of_length(parts: Mapping[str, WorkloadSpec], requests: int | None) -> WorkloadSpec:
    """All as one, which ends as they do or after so many requests."""
    if requests is None:
        return composed(parts)
    check_integer("--num-requests", requests, 1, MAX_REQUESTS)
    endless = {source: replace(part, num_requests=1, horizon=None) for source, part in parts.items()}
    return replace(composed(endless), num_requests=requests)


def _specification(source: str) -> WorkloadSpec:
    workload = any_workload(source)
    if not isinstance(workload, WorkloadSpec):
        raise InputError(f"{source}: is a trace; only specifications can be merged")
    return workload
