"""`blis fit`: a latency model from the logs of a real server."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from typing import Any

from blis.cli.diagnostics import Log
from blis.cli.flags import number, whole
from blis.config.engine import NAMES
from blis.errors import check_integer
from blis.stdout import note

_EXAMPLES = """\
examples:
  blis fit requests.jsonl --out coefficients.yaml        # fits to the first half, tries it on the other
  blis fit trace.yaml --first 0.7 --output json          # or the .csv beside it
  blis fit steps.csv requests.jsonl --engine vllm-0.8
  blis run --coefficients coefficients.yaml --config scenario.yaml

Logs: requests.jsonl, trace v2 (.yaml with its .csv), a detailed result of `vllm bench serve` (.json), results of
`blis run` (.csv), step logs (.csv); X.meta.json beside a log X.csv, X.json or X.jsonl says how its server was started.
What no log says is taken as vLLM's default, and named; KV blocks, which vLLM counts by the GPU's memory, as 1000000,
so that nobody waits for one: say how many there were with --total-kv-blocks. The requests are simulated hundreds of
times: 8 to 50 s for 300.

How far the fit may be off, as a range of every figure of a run (members of an ensemble, in a scenario file):
  instance:
    latency_model: {coefficients: coefficients.yaml, ensemble: 16}
"""


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "fit",
        help="find a latency model in the log of a real server",
        description="Fit a linear latency model to logs of one server, and try it on what the fit did not see.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(execute=execute)
    parser.add_argument("logs", nargs="+", metavar="LOG", help="log of a server")
    parser.add_argument(
        "--first", type=number, default=0.5, metavar="X", help="share of each log to fit to; default 0.5"
    )
    parser.add_argument(
        "--warm-up", type=whole, default=0, metavar="N", help="leave out the first N requests of each log"
    )
    parser.add_argument("--engine", choices=NAMES, help="profile to simulate with; default: that of the log's version")
    parser.add_argument("--hardware", metavar="NAME", help="GPU of the server; default: the log's")
    parser.add_argument(
        "--total-kv-blocks", type=whole, metavar="N", help="KV cache of the server; default: the log's, else 1000000"
    )
    parser.add_argument("--out", metavar="FILE", help="write a coefficients file")
    parser.add_argument("--output", choices=("table", "json"), default="table", help="what to print; default table")


def execute(options: argparse.Namespace) -> None:
    """Fit, print, write."""
    from blis.fit.fit import fit
    from blis.latency.coefficients import save_coefficients
    from blis.workload.recorded.doubts import doubts, doubts_of_steps
    from blis.workload.recorded.read import read_log
    from blis.workload.recorded.recording import Recording

    check_integer("--warm-up", options.warm_up, 0)
    if options.total_kv_blocks is not None:
        check_integer("--total-kv-blocks", options.total_kv_blocks, 1, 2**31 - 1)
    given = {"gpu": options.hardware, "kv_blocks": options.total_kv_blocks}
    given = {name: value for name, value in given.items() if value is not None}
    logs = [replace(log, server=replace(log.server, **given)) for log in map(read_log, options.logs)]
    logs = [log.without_warm_up(options.warm_up) if isinstance(log, Recording) else log for log in logs]
    for log in logs:
        for doubt in doubts(log, log.network) if isinstance(log, Recording) else doubts_of_steps(log):
            Log().warn(doubt)
    if any(isinstance(log, Recording) for log in logs) and sys.stderr is not None and sys.stderr.isatty():
        note(f"blis: simulating {', '.join(log.source for log in logs)} with many prices: up to a minute")
    found = fit(logs, options.first, options.engine)
    report = _report(found)
    print(json.dumps(report, indent=2, allow_nan=False) if options.output == "json" else _table(report))
    if options.out:
        save_coefficients(options.out, found.file)


def _report(found: Any) -> dict[str, Any]:
    """What is printed, as plain values."""
    file = replace(found.file, draws=())
    return {
        "source": file.source,
        "n": file.n,
        "kind": file.kind,
        "coefficients": file.parameters,
        "interval": {name: list(ends) for name, ends in file.interval.items()},
        "engine": file.engine,
        "assumed": list(file.assumed),
        "notes": list(found.notes),
        "seen": found.seen,
        "held_out": found.held_out,
        "cross_validation": found.losses,
    }


def _table(report: dict[str, Any]) -> str:
    """The same for people."""
    lines = [f"source    {report['source']}", f"engine    {report['engine'] or 'not simulated'}"]
    if report["assumed"]:
        lines.append(f"assumed   {', '.join(report['assumed'])}")
    lines += [f"note      {note}" for note in report["notes"]]
    lines += ["", f"{'coefficient':<22}{'value':>12}   95 % interval, all at once"]
    for name, ends in (dict.fromkeys(report["coefficients"]) | report["interval"]).items():
        value = report["coefficients"].get(name)
        lines.append(f"{name:<22}{_price(value):>12}   {_interval(ends)}".rstrip())
    lines.append("")
    for title, key in (("error on what the fit saw", "seen"), ("error on the rest", "held_out")):
        errors = report[key] or {}
        shown = ", ".join(f"{_NAMES[name]} {value:.2f} %" for name, value in errors.items() if name in _NAMES)
        count = int(errors.get("n", 0) or errors.get("steps", 0))
        lines.append(f"{title:<26}{shown or 'nothing was left out'}" + (f"  (n = {count})" if count else ""))
    return "\n".join(lines)


def _price(value: float | None) -> str:
    return "left out" if value is None else f"{value:.5g}"


def _interval(ends: list[float | None] | None) -> str:
    """Of a price; nothing of a parameter that is none."""
    if ends is None:
        return ""
    return "not told by this log" if ends[1] is None else f"{ends[0]:.5g} to {ends[1]:.5g}"


_NAMES = {
    "ttft_mape": "TTFT",
    "tpot_mape": "TPOT",
    "e2e_mape": "E2E",
    "unqueued_ttft_mape": "TTFT of requests that never queued",
    "step_mape": "step",
}
