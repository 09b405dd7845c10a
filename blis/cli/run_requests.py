"""The requests that a command line asks for: a file, a specification, one of the original's workloads, a trace.

What is named on the command line wins over the workload in the scenario's file.
"""

from __future__ import annotations

import argparse
from typing import Any

from blis.cli.diagnostics import Log
from blis.cli.flags import LENGTH_FLAGS, add_flags, given_keys
from blis.config import Scenario
from blis.errors import InputError, check_integer, unknown_name
from blis.original.defaults_file import load_defaults
from blis.original.presets import DISTRIBUTION, PRESETS, Preset, generate_preset
from blis.original.token_lists import load_token_lists
from blis.tables.requests import RequestTable
from blis.workload.draw.generate import generate
from blis.workload.draw.spec import load_spec
from blis.workload.read.csv_requests import load_requests
from blis.workload.read.traces import is_trace, load_window, trace_spec
from blis.workload.subset import keep_rows
from blis.workload.windows import POOLS
from blis.yaml_strict import load_mapping, named_source

TRACES = "traces"  # the original's name for its own CSV of token lists
_RATE, _NUM_REQUESTS, _SEED = 1.0, 100, 42  # the original's defaults


def add_request_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that `read_requests` reads, but for --config."""
    group = parser.add_argument_group("requests")
    source = group.add_mutually_exclusive_group()
    source.add_argument("--requests", metavar="FILE", help="requests CSV")
    source.add_argument("--workload-spec", metavar="FILE", help="workload specification YAML to draw requests from")
    names = ", ".join((DISTRIBUTION, *PRESETS, TRACES))
    group.add_argument("--workload", metavar="NAME", help=f"one of: {names}; default {DISTRIBUTION} without --config")
    group.add_argument("--workload-traces-filepath", metavar="FILE", help=f"CSV of token lists for {TRACES}")
    group.add_argument("--window", choices=POOLS, help="of a recorded trace in --config; default: report")
    group.add_argument(
        "--seed", type=int, metavar="N", help="of the requests drawn; default: the workload's own, or 42"
    )
    group.add_argument(
        "--num-requests", type=int, metavar="N", help="requests to draw; default: the workload's, or 100"
    )
    group.add_argument(
        "--rate", type=float, metavar="X", help=f"requests a second of a named workload; default {_RATE:g}"
    )
    group.add_argument("--prefix-tokens", type=int, metavar="N", help="prefix that all prompts share; default 0")
    add_flags(group, LENGTH_FLAGS)
    group.add_argument(
        "--max-model-len",
        type=int,
        metavar="N",
        default=0,
        help="leave out requests of more tokens, output included; default 0 = none",
    )


def read_requests(
    options: argparse.Namespace, workload: dict[str, Any] | None, scenario: Scenario, log: Log
) -> RequestTable:
    """The requests. `workload` is what the scenario's file holds.

    Raises InputError if none are named, or flags contradict each other.
    """
    named = options.workload or (DISTRIBUTION if _sets_a_preset(options) else None)
    if options.requests is None and options.workload_spec is None and named is None:
        if workload is not None and is_trace(workload):
            return _fitting(options, _window(options, workload), log)
        if workload is None and options.config is None:
            named = DISTRIBUTION
    if options.window is not None:
        raise InputError("--window is for a recorded trace, which --config must hold as its workload")
    table = _table(options, named, workload, scenario, log)
    log.info(f"{len(table)} requests, the last one at {int(table.arrival_us[-1]) / 1e6:g} s")
    return _fitting(options, table, log)


def _table(
    options: argparse.Namespace, named: str | None, workload: dict[str, Any] | None, scenario: Scenario, log: Log
) -> RequestTable:
    if options.requests is not None:
        _only_drawn(options, "--requests gives them all", log)
        if named is not None:
            raise InputError("--workload and its flags are for drawn requests; --requests gives them all")
        return load_requests(options.requests)
    if options.workload_spec is not None:
        if named is not None:
            log.warn("--workload and its flags change nothing: the requests come from --workload-spec")
        return _from_spec(options, load_mapping(options.workload_spec), options.workload_spec)
    if named == TRACES:
        if not options.workload_traces_filepath:
            raise InputError(f"--workload {TRACES} needs --workload-traces-filepath")
        _only_drawn(options, "the trace gives them all", log)
        return load_token_lists(options.workload_traces_filepath)
    if options.workload_traces_filepath:
        raise InputError(f"--workload-traces-filepath needs --workload {TRACES}")
    if named is not None:
        return _preset(options, named, scenario, log)
    if workload is None:
        raise InputError(
            "no requests: give --requests, --workload-spec, --workload, or a --config that holds a workload"
        )
    return _from_spec(options, workload, f"{options.config}: workload")


def _only_drawn(options: argparse.Namespace, instead: str, log: Log) -> None:
    if options.num_requests is not None:
        raise InputError(f"--num-requests is for drawn requests; {instead}")
    if options.seed is not None:
        log.warn("--seed changes nothing: the requests come from a file")


def _from_spec(options: argparse.Namespace, mapping: dict[str, Any], path: str) -> RequestTable:
    """Draw from a specification; numbers of the command line count before it is checked, as they may complete it."""
    if options.num_requests is not None:
        mapping = {**mapping, "num_requests": options.num_requests}
        check_integer("--num-requests", options.num_requests, 1)
    elif options.horizon is not None and not mapping.get("num_requests") and not mapping.get("horizon"):
        mapping = {**mapping, "horizon": options.horizon}
    with named_source(path):
        spec = load_spec(mapping)
        return generate(spec, spec.seed if options.seed is None else options.seed)


def _sets_a_preset(options: argparse.Namespace) -> bool:
    """Whether a flag is given that only a named workload has."""
    numbers = (options.rate, options.prefix_tokens, *(flag.value(options) for flag in LENGTH_FLAGS))
    return any(number is not None for number in numbers)


def _preset(options: argparse.Namespace, name: str, scenario: Scenario, log: Log) -> RequestTable:
    """Draw one of the original's workloads."""
    lengths = given_keys(options, LENGTH_FLAGS)
    if name != DISTRIBUTION and lengths:
        log.warn(f"--prompt-tokens, --output-tokens and the like change nothing: {name!r} has its own lengths")
        lengths = {}
    if options.prefix_tokens is not None:
        lengths["prefix_tokens"] = options.prefix_tokens
    presets = load_defaults(options.defaults_filepath).presets if options.defaults_filepath else PRESETS
    if name != DISTRIBUTION and name not in presets:
        raise unknown_name("workload", name, (DISTRIBUTION, *presets, TRACES))
    base = Preset() if name == DISTRIBUTION else presets[name]
    try:
        return generate_preset(
            Preset(**{**vars(base), **lengths}),
            _RATE if options.rate is None else options.rate,
            _NUM_REQUESTS if options.num_requests is None else options.num_requests,
            _SEED if options.seed is None else options.seed,
            scenario.horizon_us,
            truncated_gap=options.compat == "original",
        )
    except InputError as error:
        key, space, rest = str(error).partition(" ")
        raise InputError(f"--{key.replace('_', '-')}{space}{rest}") from None


def _window(options: argparse.Namespace, workload: dict[str, Any]) -> RequestTable:
    """The requests of a window of the trace that the scenario file names."""
    if options.seed is not None:
        raise InputError("--seed is for drawn requests; those of a trace are recorded: give --window")
    if options.num_requests is not None:
        raise InputError("--num-requests is for drawn requests; the trace in --config has its own key `first`")
    with named_source(options.config):
        return load_window(trace_spec(workload), options.window or "report")


def _fitting(options: argparse.Namespace, table: RequestTable, log: Log) -> RequestTable:
    """The requests that --max-model-len lets in."""
    check_integer("--max-model-len", options.max_model_len, 0)
    fits = table.input_tokens + table.output_tokens <= options.max_model_len
    if not options.max_model_len or fits.all():
        return table
    short = int(fits.sum())
    log.warn(f"{len(table) - short} of {len(table)} requests, longer than --max-model-len, are left out")
    return keep_rows(table, fits)
