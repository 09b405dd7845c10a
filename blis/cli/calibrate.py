"""`blis calibrate`: a log of a real server against a simulation of its requests."""

from __future__ import annotations

import argparse
import copy
import json
from pathlib import Path
from typing import Any

from blis.cli.diagnostics import LEVELS, Log
from blis.cli.flags import SCENARIO_FLAGS, number, whole
from blis.cli.run_scenario import DATA_FLAGS, add_scenario_flags, read_scenario, scenario_of
from blis.config import Scenario
from blis.errors import InputError, check_integer, check_number
from blis.tables.network import Network
from blis.workload.recorded.recording import Recording

_EXAMPLES = """\
examples:
  blis calibrate server.requests.jsonl --coefficients server.yaml
  blis calibrate server.requests.jsonl --config scenario.yaml --warm-up 10 --picture calibration.png
  blis calibrate bench.json --latency-model roofline --hardware H100 --tp 1 --rtt-ms 0.4 --output json
  blis calibrate server.requests.jsonl --coefficients server.yaml --first 0.5    # of a fit of the other half

LOG: a request log (.jsonl), a detailed result of `vllm bench serve` (.json), a trace v2 (.yaml and .csv), or results of
`blis run` (.csv). Without --config the server is simulated as the log describes it; flags win over both.
"""


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "calibrate",
        usage="blis calibrate LOG [--coefficients FILE | --config FILE | --latency-model NAME | …] [options]",
        help="a log of a real server against a simulation of its requests",
        description="Simulate the requests of a log, and say how far the simulation is from it.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(execute=execute, workload=None)  # the requests are those of the log
    parser.add_argument("recording", metavar="LOG", help="what was recorded")
    files = parser.add_argument_group("input and output")
    files.add_argument("--config", metavar="FILE", help="scenario YAML; default: the server that the log describes")
    files.add_argument("--policy-config", metavar="FILE", help="policy bundle YAML")
    files.add_argument("--output", choices=["table", "json"], default="table", help="on stdout; default table")
    files.add_argument("--picture", metavar="FILE", help="draw recorded and simulated into this .png file")
    files.add_argument("--log", choices=LEVELS, default="warn", help="what to say on stderr; default warn")
    what = parser.add_argument_group("what is compared")
    what.add_argument("--warm-up", type=whole, default=0, metavar="N", help="leave out the first N requests; default 0")
    what.add_argument(
        "--first", type=number, default=0.0, metavar="SHARE", help="leave out this share of the requests; default 0"
    )
    what.add_argument("--rtt-ms", type=number, metavar="X", help="round trip to the client; default: the log's, or 0")
    what.add_argument(
        "--bandwidth-mbps", type=number, metavar="X", help="of the network to the client; default: no limit"
    )
    add_scenario_flags(parser)


def execute(options: argparse.Namespace) -> None:
    """Check everything that was given, then simulate the log's requests, and print how far both are apart."""
    from blis.workload.recorded.read import read_recording

    log = Log(options.log)
    _check(options)
    recording = read_recording(options.recording).without_warm_up(options.warm_up)
    scenario = _scenario(options, recording, log)

    from blis.calibration.report import calibrate
    from blis.calibration.text import calibration_text

    found = calibrate(recording, scenario, _network(options, recording.network), options.first)
    for warning in found.warnings:
        log.warn(warning)
    print(
        json.dumps(found.to_dict(), indent=2, allow_nan=False) if options.output == "json" else calibration_text(found)
    )
    if options.picture:
        from blis.calibration.picture import picture
        from blis.comparison.style import png
        from blis.files import write_bytes

        write_bytes(options.picture, png(picture(found)))
        log.info(f"the picture is in {options.picture}")


def _check(options: argparse.Namespace) -> None:
    """Numbers of flags, before a file is read."""
    check_integer("--warm-up", options.warm_up, 0)
    check_number("--first", options.first, 0, 0.99)
    for name, value in (("--rtt-ms", options.rtt_ms), ("--bandwidth-mbps", options.bandwidth_mbps)):
        if value is not None:
            check_number(name, value, 0, 1e9)
    if options.picture and Path(options.picture).suffix != ".png":
        raise InputError(f"--picture must end in .png, got {options.picture!r}")


def _scenario(options: argparse.Namespace, recording: Recording, log: Log) -> Scenario:
    """The scenario of --config, or of the log, with the flags on top."""
    if options.config:
        return read_scenario(options, log)[0]
    numbers = [flag for flag in (*SCENARIO_FLAGS, *DATA_FLAGS) if flag.key.startswith(_LATENCY) or not flag.key]
    if all(flag.value(options) is None for flag in numbers):
        raise InputError("say how long the steps of the server take: --coefficients, --latency-model or --config")

    from blis.calibration.replay import replay_mapping, server_of
    from blis.latency.coefficients import file_of

    file = file_of({"coefficients": options.coefficients})
    server = recording.server.over(server_of(file)) if file else recording.server
    mapping, assumed = replay_mapping(server, options.engine)
    if assumed:
        log.info(f"the log does not say these; assumed are {', '.join(assumed)}")
    return scenario_of(mapping, options.recording, _without_engine(options), log)[0]


_LATENCY = "instance.latency_model."


def _without_engine(options: argparse.Namespace) -> argparse.Namespace:
    """The same without --engine, which the mapping has already."""
    changed = copy.copy(options)
    changed.engine = None
    return changed


def _network(options: argparse.Namespace, known: Network) -> Network:
    """What the log says of the network, with what flags say on top."""
    rtt_us = known.rtt_us if options.rtt_ms is None else options.rtt_ms * 1000
    bandwidth = known.bandwidth_mbps if options.bandwidth_mbps is None else options.bandwidth_mbps
    return Network(rtt_us, bandwidth)
