"""`blis traces`: which public traces can be replayed and where they are, and what a file at hand holds."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from blis.cli.flags import whole
from blis.config import Scenario
from blis.latency.standing import standing
from blis.latency.table import TABLE_BLOCK_TOKENS
from blis.scenario import load_scenario
from blis.tables.requests import RequestTable
from blis.text import aligned
from blis.workload.capacity import load_of
from blis.workload.content.reuse import ideal_hit_rate
from blis.workload.read.clock import TIME_UNITS
from blis.workload.read.known_traces import KNOWN_TRACES, file_digest, identify
from blis.workload.read.trace_formats import FORMATS
from blis.workload.read.traces import AUTO, TraceSpec, format_of, parse
from blis.workload.read.turns import TURNS

_EXAMPLES = """\
examples:
  blis traces                                                  # public traces, where to get them, their checksums
  blis traces --check conversation_trace.jsonl                 # what is in a file, and whether it is one of them
  python -m search workload=trace workload.path=conversation_trace.jsonl

Traces are not part of this program: take a file from its repository, at the commit shown, under its licence.
Checksums are of the part that was tried, the whole file or its first lines.
"""


#: What serves a trace when nothing is said.
SERVER = "meta-llama/llama-3.1-8b-instruct"


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "traces",
        help="public traces that can be replayed, and what a trace file holds",
        description="List public traces, or check a file.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(execute=execute)
    parser.add_argument("--check", metavar="FILE", help="read this file and say what is in it")
    parser.add_argument("--config", metavar="FILE", help=f"scenario that would serve it; default: one {SERVER}")
    parser.add_argument("--format", choices=list(FORMATS), help="of the file; default: told from its content")
    parser.add_argument("--time-unit", choices=list(TIME_UNITS), help="of its times; default: what the format says")
    parser.add_argument("--turns", choices=TURNS, help="how its conversations are replayed; default: closed")
    parser.add_argument(
        "--block-tokens", type=whole, metavar="N", help="of its hashes; default: what the format or their number says"
    )
    parser.add_argument(
        "--block-size-in-tokens",
        type=whole,
        default=TABLE_BLOCK_TOKENS,
        metavar="N",
        help=f"KV block for the ideal hit rate; default {TABLE_BLOCK_TOKENS}",
    )


def execute(options: argparse.Namespace) -> None:
    """Print the list, or what the file holds."""
    print(_check(options) if options.check else _list())


def _list() -> str:
    """Known traces, where they are, their checksums, and the formats."""
    tables: list[Sequence[tuple[str, ...]]] = [
        [("name", "what", "format", "rows", "licence")]
        + [(trace.name, trace.what, trace.format, str(trace.rows), trace.licence) for trace in KNOWN_TRACES],
        [("name", "github.com repository @ commit", "file", "part")]
        + [(t.name, f"{t.repository} @ {t.commit}", t.path, t.part) for t in KNOWN_TRACES],
        [("name", "sha256 of that part")] + [(trace.name, trace.sha256) for trace in KNOWN_TRACES],
        [("format", "what", "columns or keys")]
        + [(name, known.what, ", ".join(known.columns)) for name, known in FORMATS.items()],
    ]
    return "\n\n".join(aligned(table) for table in tables)


def _check(options: argparse.Namespace) -> str:
    """What a file holds."""
    path = options.check
    spec = TraceSpec(path, options.format or AUTO, options.time_unit, options.block_tokens, options.turns)
    name = format_of(spec)
    table = parse(spec, name)
    found = identify(path)
    known = "not a known file"
    if found is not None:
        trace, exact = found
        known = f"{trace.name}, {trace.part}" if exact else f"{trace.name}, with more than the {trace.part}"
    block_tokens = options.block_size_in_tokens
    span_s = table.span_us / 1e6
    facts = [
        ("file", path),
        ("known as", known),
        ("sha256", file_digest(path)),
        ("format", name),
        *(("note", line) for line in table.notes),
        ("rows", str(len(table))),
        ("time span", f"{span_s:.3f} s"),
        ("mean input", f"{table.input_tokens.mean():.1f} tokens"),
        ("mean output", f"{table.output_tokens.mean():.1f} tokens"),
        *load_lines(table, serving_scenario(options.config)),
        ("ideal hit rate", f"{ideal_hit_rate(table, block_tokens):.4f} of full prompt blocks of {block_tokens} tokens"),
    ]
    return aligned(facts)


def serving_scenario(config: str | None) -> Scenario:
    """The scenario of a file; without one, an instance of what serves most."""
    return load_scenario(config or {"instance": {"latency_model": {"model": SERVER}}})


def load_lines(table: RequestTable, scenario: Scenario) -> list[tuple[str, str]]:
    """What comes, and what the instances could serve by the rule of thumb of `workload.utilisation`."""
    model, load = scenario.instance.latency_model, load_of(table, scenario)
    name = " ".join([model.model or model.kind, model.gpu, f"TP {model.tp}"])
    served = f"at most {load.served_per_s:.3g} requests/s by {scenario.cluster.instances} x {name}"
    at_most = ("served", f"{served}, if nothing is cached")
    stands = ("step times", str(standing(model)))
    if load.offered_per_s is None or load.utilisation is None:
        return [("offered", "all at once, or when answers release them"), at_most, stands]
    busy = f"{load.utilisation:.1%} = offered / served"
    return [("offered", f"{load.offered_per_s:.3g} requests/s"), at_most, ("utilisation", busy), stands]
