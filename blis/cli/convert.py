"""`blis convert`: a workload in another format, with nothing lost unsaid."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from blis.cli.any_workload import SOURCE_HELP, add_draw_flags, any_workload, drawn_or_read
from blis.cli.diagnostics import LEVELS, Log
from blis.errors import InputError
from blis.workload.draw.compose import written_out
from blis.workload.draw.spec import WorkloadSpec, spec_mapping
from blis.workload.source import Workload
from blis.workload.write.formats import WRITERS, save_as
from blis.yaml_strict import dump_yaml

_EXAMPLES = """\
examples:
  blis convert traffic.csv requests.csv --to requests                # this program's own CSV
  blis convert traffic.csv mooncake.jsonl --to mooncake              # hashes of blocks of 512 tokens, times in ms
  blis convert rag mooncake.jsonl --to mooncake --drop classes,tenants
  blis convert two_peaks trace.yaml --to trace-v2 --seed 7           # the rows go to trace.csv
  blis convert stages.yaml clients.yaml --to spec            # clients in place of inference_perf or ServeGen's data

What is drawn is drawn as `blis run` draws it. What the format cannot say is refused by name; --drop leaves it out.
"""

_SPEC = "spec"


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "convert",
        help="write a workload or a trace in another format",
        description="Write a workload or a trace in another format.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(execute=execute)
    parser.add_argument("source", metavar="IN", help=SOURCE_HELP)
    parser.add_argument("out", metavar="OUT", help="file to write; of a trace v2 the header, which ends in .yaml")
    parser.add_argument("--to", required=True, choices=[*WRITERS, _SPEC], help="format of OUT")
    parser.add_argument("--drop", metavar="LIST", help="what may be left out because OUT cannot say it")
    parser.add_argument("--log", choices=LEVELS, default="warn", help="what to say on stderr; default warn")
    add_draw_flags(parser)


def execute(options: argparse.Namespace) -> None:
    """Read or draw, and write."""
    suffix = ".yaml" if options.to == _SPEC else WRITERS[options.to].suffix
    if Path(options.out).suffix != suffix:
        raise InputError(f"--to {options.to} writes a file that ends in {suffix}, got {options.out!r}")
    log, workload = Log(options.log), any_workload(options.source)
    if options.to == _SPEC:
        print(_save_spec(options, workload))
        return
    table = drawn_or_read(workload, options, log)
    for line in save_as(options.to, options.out, table, [part for part in (options.drop or "").split(",") if part]):
        log.note(f"{options.out}: {line}")
    print(f"{options.out}: {options.to}, {len(table)} requests")


def _save_spec(options: argparse.Namespace, workload: Workload) -> str:
    """Write a specification with all its clients in it; what was written."""
    if not isinstance(workload, WorkloadSpec):
        raise InputError(f"{options.source}: a trace has requests; `blis profile` fits a specification to them")
    for flag, value in (("--seed", options.seed), ("--num-requests", options.num_requests), ("--drop", options.drop)):
        if value:
            raise InputError(f"{flag} is for requests; --to {_SPEC} writes none")
    spec = written_out(workload)
    dump_yaml(spec_mapping(spec), options.out)
    return f"{options.out}: {_SPEC}, {len(spec.senders)} senders, {spec.aggregate_rate:g} {spec.counts} a second"
