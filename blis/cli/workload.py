"""`blis workload`: what a workload is like, before anything is run with it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from blis.cli.any_workload import SOURCE_HELP, add_draw_flags, any_workload, drawn_or_read
from blis.cli.diagnostics import LEVELS, Log
from blis.cli.traces import SERVER, load_lines, serving_scenario
from blis.errors import InputError
from blis.files import write_bytes
from blis.text import aligned
from blis.workload.capacity import load_of
from blis.workload.facts import workload_facts

_EXAMPLES = """\
examples:
  blis workload chat_prefix                              # by name, one of conf/workload
  blis workload mine/workload/all.yaml --config scenario.yaml --picture all.png
  blis workload traffic.jsonl --picture traffic.png      # a trace in any format of `blis traces`
  blis workload rag --num-requests 500 --output json

Gaps are between arrivals, with their coefficient of variation (1: as of independent requests; more: bursts). In a
closed loop later rounds come when they are answered: gaps are between starts, of conversations and of requests without
one, while requests/s are of all, as if answers took no time. The quietest and the busiest are of 20 equal parts of the
time. Sharing is what an endless cache of all instances would find, of full prompt blocks, of prompt tokens, and for how
many requests anything.
"""

_HEADINGS = {
    "requests": "requests",
    "span_s": "seconds",
    "requests_per_s": "requests/s",
    "gap_ms": "gaps, ms",
    "gap_between_starts_ms": "gaps between starts, ms",
    "input_tokens": "input tokens",
    "output_tokens": "output tokens",
    "classes": "classes",
    "tenants": "tenants",
    "adapters": "adapters",
    "sessions": "sessions",
    "sharing": "sharing",
}


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "workload",
        help="what a workload is like: rates, lengths, gaps, sharing, how busy it keeps a cluster",
        description="Show a workload before it runs.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(execute=execute)
    parser.add_argument("source", metavar="SPEC|TRACE|NAME", help=SOURCE_HELP)
    parser.add_argument("--config", metavar="FILE", help=f"scenario that would serve it; default: one {SERVER}")
    parser.add_argument("--picture", metavar="FILE", help="draw arrivals, lengths and sharing into this .png file")
    parser.add_argument("--output", choices=["text", "json"], default="text", help="on stdout; default text")
    parser.add_argument("--log", choices=LEVELS, default="warn", help="what to say on stderr; default warn")
    add_draw_flags(parser)


def execute(options: argparse.Namespace) -> None:
    """Draw or read the requests, print their figures and draw them."""
    if options.picture and Path(options.picture).suffix != ".png":
        raise InputError(f"--picture must end in .png, got {options.picture!r}")
    scenario = serving_scenario(options.config)
    table = drawn_or_read(any_workload(options.source), options, Log(options.log))
    facts = workload_facts(table, scenario.instance.kv.block_size_tokens)
    if options.output == "json":
        load = load_of(table, scenario)
        facts["load"] = {**load._asdict(), "utilisation": load.utilisation}
        print(json.dumps(facts, indent=2, allow_nan=False))
    else:
        print(aligned([("workload", options.source), *_lines(facts), *load_lines(table, scenario)]))
    if options.picture:
        from blis.cli.workload_picture import workload_picture
        from blis.comparison.style import png

        write_bytes(options.picture, png(workload_picture(table, Path(options.source).name)))


def _lines(facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """A line for each kind of figure that there is."""
    for key, found in facts.items():
        if found or not isinstance(found, dict):
            figures = found if isinstance(found, dict) else {"": found}
            words = (f"{name.replace('_', ' ')} {_figure(value)}".strip() for name, value in figures.items())
            yield _HEADINGS[key], ", ".join(words)


def _figure(value: float) -> str:
    """Four digits, whole from 1,000 on."""
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"
