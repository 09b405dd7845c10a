"""`blis replay`: a recorded trace v2 sent again to a simulated cluster; `blis run` on the requests in it."""

from __future__ import annotations

import argparse
from typing import Any

from blis.cli.diagnostics import Log
from blis.cli.run import add_run_flags, run
from blis.cli.run_requests import tell_requests
from blis.cli.run_scenario import add_scenario_flags
from blis.config import Scenario
from blis.tables.requests import RequestTable
from blis.workload.read.traces import TraceSpec, load_trace
from blis.workload.read.turns import CLOSED, TURNS

_EXAMPLES = """\
examples:
  blis replay trace.yaml --config scenario.yaml --results-path out.csv
  blis replay trace.yaml --config scenario.yaml --record simulated.yaml    # the simulated run as a trace v2
  blis replay trace.yaml --config scenario.yaml --turns arrivals           # everybody when they came, answer or not

Rows of a session come when the answer before is complete, after the recorded pause; with --turns arrivals when they
came. Metrics go to stdout. All other flags are those of `blis run`. `blis calibrate` says how far a simulation is from
its recording.
"""


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "replay",
        usage="blis replay TRACE [--config FILE | --model NAME] [--turns closed|arrivals] [options]",
        help="a recorded trace v2 sent again to a simulated cluster",
        description="Simulate the requests of a trace v2 and print the metrics.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(execute=execute, workload=None)
    parser.add_argument("trace", metavar="TRACE", help="header (.yaml) or rows (.csv) of a trace v2")
    parser.add_argument("--turns", choices=TURNS, default=CLOSED, help=f"of a session's rows; default {CLOSED}")
    add_run_flags(parser)
    add_scenario_flags(parser)


def execute(options: argparse.Namespace) -> None:
    """One simulation of the trace's requests."""
    run(options, _read)


def _read(options: argparse.Namespace, workload: dict[str, Any] | None, scenario: Scenario, log: Log) -> RequestTable:
    """The requests of the trace, whatever workload the scenario's file holds."""
    if workload is not None:
        log.note(f"the workload in {options.config} is left aside: the requests come from {options.trace}")
    table = load_trace(TraceSpec(options.trace, "trace-v2", turns=options.turns))
    tell_requests(table, log)
    return table
