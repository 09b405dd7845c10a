"""`blis observe`: a workload sent to a real server, and what was seen of it."""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blis.cli.any_workload import SOURCE_HELP, add_draw_flags, any_workload, drawn_or_read
from blis.cli.capacity import promise
from blis.cli.diagnostics import LEVELS, Log
from blis.cli.flags import number, whole
from blis.errors import EngineError, InputError, check_integer, check_number

if TYPE_CHECKING:
    from blis.observe.asking import Asking
    from blis.observe.observe import Observation, Plan
    from blis.observe.record import Observed

_KEY = "OPENAI_API_KEY"

_EXAMPLES = """\
examples:
  blis observe --url http://127.0.0.1:8000 --model NAME --workload chatbot --rate-scale 0.05 --record seen.yaml
  blis observe --url http://127.0.0.1:8000 --model NAME --workload traffic.jsonl --rate-scale 0.5 --api chat \\
               --record seen.yaml --metrics seen.timeseries.csv --chunks seen.chunks.jsonl --warm-up 10
  blis observe --url http://127.0.0.1:8000 --model NAME --workload rag --slo critical=300/25 --output json
  blis replay seen.yaml --config scenario.yaml              # the same requests to a simulated cluster
  blis calibrate seen.yaml --config scenario.yaml           # and how far that is from what was seen

Requests go out at the times of the workload, turns when the answer before is there. Prompts are words, as many tokens
as the workload says, and equal where it says so. --record writes a trace v2: FILE.yaml, and its rows to FILE.csv. The
key is read from the environment and written nowhere. Ctrl-C keeps what was seen.
"""


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "observe",
        usage="blis observe --url URL [--url URL …] --model NAME --workload SPEC|TRACE|NAME [--record FILE] [options]",
        help="a workload sent to a real OpenAI-compatible server, and what was seen of it",
        description="Put a server under the load of a workload, record every request, and print the figures.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(execute=execute)
    parser.add_argument("--workload", required=True, metavar="SPEC|TRACE|NAME", help=SOURCE_HELP)
    parser.add_argument("--rate-scale", type=number, default=1.0, metavar="X", help="factor on the rate; default 1")
    add_draw_flags(parser)
    _add_server_flags(parser.add_argument_group("server"))
    _add_output_flags(parser.add_argument_group("output"))


def _add_server_flags(server: argparse._ArgumentGroup) -> None:
    server.add_argument(
        "--url",
        required=True,
        action="append",
        metavar="URL",
        help="http://HOST:PORT, with a path at most; of several, each --url URL, every request goes to the next",
    )
    server.add_argument("--model", required=True, metavar="NAME", help="as the server calls it")
    server.add_argument("--api", choices=["completions", "chat"], default="completions", help="default completions")
    server.add_argument("--no-stream", action="store_true", help="ask for answers in one piece")
    server.add_argument("--tokenizer", metavar="FILE", help="tokenizer.json that counts; default: the server's counts")
    server.add_argument(
        "--api-key-env", metavar="NAME", help=f"variable of the environment that holds the key; default {_KEY}"
    )
    server.add_argument("--max-concurrency", type=whole, metavar="N", help="requests under way; default: no limit")
    server.add_argument(
        "--timeout-s", type=number, default=300.0, metavar="X", help="of a request, in seconds; default 300"
    )
    server.add_argument("--retries", type=whole, default=2, metavar="N", help="if nothing of an answer came; default 2")
    server.add_argument(
        "--warm-up", type=whole, default=0, metavar="N", help="requests before all others, not recorded; default 0"
    )


def _add_output_flags(files: argparse._ArgumentGroup) -> None:
    files.add_argument("--record", metavar="FILE", help="write a trace v2: FILE.yaml, and its rows to FILE.csv")
    files.add_argument("--chunks", metavar="FILE", help="write when each piece of an answer came, as JSON lines")
    files.add_argument("--metrics", metavar="FILE", help="read /metrics every second and write it to this .csv file")
    files.add_argument(
        "--slo",
        type=promise,
        action="append",
        default=[],
        metavar="CLASS=TTFT[/TPOT]",
        help="promises in ms, for goodput; default: none",
    )
    files.add_argument("--output", choices=["text", "json"], default="text", help="on stdout; default text")
    files.add_argument("--log", choices=LEVELS, default="warn", help="what to say on stderr; default warn")


def execute(options: argparse.Namespace) -> None:
    """Check everything that was given, send the workload, write what was seen and print its figures."""
    from blis.cli.observe_progress import Progress
    from blis.observe.observe import Observation
    from blis.observe.report import check_promises, doubts, figures, report_text

    _check(options)
    plan, promises, log = _plan(options), dict(options.slo), Log(options.log)
    if any(asking.shows_key for asking in plan.askings):
        log.warn("the key goes to --url unencrypted; https would hide it")
    table = drawn_or_read(any_workload(options.workload), options, log, options.rate_scale)
    if table.origin is not None and table.origin.modality_tokens is not None:
        log.warn("images, audio and video are sent as text of as many tokens")
    check_promises(table, promises)
    with Progress(len(table), log) as progress:
        observation = Observation(table, plan, progress.seen)
        observed = observation.run()
    for line in observation.notes:
        log.note(line)
    _write(options, observed, observation, log)
    found = figures(observed, promises)
    for line in doubts(observed, found):
        log.warn(line)
    print(json.dumps(found.to_dict(), indent=2, allow_nan=False) if options.output == "json" else report_text(found))
    if observed.interrupted:
        raise KeyboardInterrupt
    if not found.counts["ok"]:
        raise EngineError("no request got a whole answer")


def _check(options: argparse.Namespace) -> None:
    """Flags by themselves, before anything is read or sent."""
    check_number("--rate-scale", options.rate_scale, 1e-6, 1e6)
    check_number("--timeout-s", options.timeout_s, 0, 1e6, above=0)
    check_integer("--retries", options.retries, 0, 100)
    check_integer("--warm-up", options.warm_up, 0, 10**6)
    if options.max_concurrency is not None:
        check_integer("--max-concurrency", options.max_concurrency, 1, 10**6)
    for flag, path, suffix in (("--record", options.record, ".yaml"), ("--metrics", options.metrics, ".csv")):
        if path and Path(path).suffix != suffix:
            raise InputError(f"{flag} must end in {suffix}, got {path!r}")
    if options.slo and options.no_stream:
        raise InputError("--slo needs first tokens; with --no-stream nobody sees them")


def _plan(options: argparse.Namespace) -> Plan:
    from blis.observe.observe import Plan

    return Plan(
        _askings(options),
        source=options.workload,
        seed=options.seed or 0,
        at_once=options.max_concurrency,
        warm_up=options.warm_up,
        scrape=options.metrics is not None,
    )


def _askings(options: argparse.Namespace) -> tuple[Asking, ...]:
    from blis.observe.asking import Asking
    from blis.observe.prompts import token_counter

    first, *others = options.url
    asking = Asking(
        first,
        options.model,
        options.api,
        stream=not options.no_stream,
        timeout_s=options.timeout_s,
        retries=options.retries,
        key=_key(options.api_key_env),
        count=token_counter(options.tokenizer) if options.tokenizer else None,
    )
    return asking, *(replace(asking, url=url) for url in others)


def _key(name: str | None) -> str:
    """The key, "" without one; a variable that was asked for must be there."""
    if name is not None and name not in os.environ:
        raise InputError(f"--api-key-env: the environment has no variable {name!r}")
    return os.environ.get(name or _KEY, "").strip()


def _write(options: argparse.Namespace, observed: Observed, observation: Observation, log: Log) -> None:
    """The files that were asked for, the trace first."""
    from blis.files import write_text
    from blis.observe.record import save_chunks, save_observed
    from blis.observe.scrape import timeseries

    if options.record and not save_observed(options.record, observed):
        log.warn(f"{options.record}: prompts share more than a trace v2 can say")
    if options.chunks:
        save_chunks(options.chunks, observed)
    if (scraper := observation.scraper) is None:
        return
    if scraper.failed:
        log.warn(f"/metrics could not be read {scraper.failed} times: {scraper.why}")
    readings = [(time_us, found) for time_us, found in scraper.readings if time_us >= observed.first_sent_us]
    if readings:
        write_text(options.metrics, timeseries(readings, observed.first_sent_us))
    else:
        log.warn(f"{options.metrics}: not written, as there was no reading while requests were under way")
