"""The requests that a command line asks for: a file, a workload to draw or a trace, one of the original's workloads.

What is named on the command line wins over the workload in the scenario's file; flags that say how many or how fast
change the one that counts, or are refused.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any, NamedTuple

from blis.cli.diagnostics import Log
from blis.cli.flags import LENGTH_FLAGS, add_flags, given_keys, number, whole
from blis.cli.workload_names import named_workloads, workload_file
from blis.config import Scenario
from blis.errors import InputError, check_integer, check_number, unknown_name
from blis.original.defaults_file import load_defaults
from blis.original.presets import DISTRIBUTION, PRESETS, Preset, generate_preset
from blis.tables.requests import RequestTable
from blis.tables.streams import RequestStream
from blis.workload.draw.in_chunks import CHUNK, generate_in_chunks
from blis.workload.draw.spec import WorkloadSpec
from blis.workload.read.csv_chunks import requests_in_chunks
from blis.workload.read.token_lists import load_token_lists
from blis.workload.read.trace_formats import detect_format
from blis.workload.read.traces import is_trace, load_window, rescaled, trace_spec
from blis.workload.source import load_requests, load_workload, requests_of
from blis.workload.subset import keep_rows
from blis.workload.windows import POOLS
from blis.yaml_strict import load_mapping, named_source

SPEC_HELP = "workload YAML, or name of conf/workload: what to draw, or which trace to read"
TRACES = "traces"  # the original's name for its own CSV of token lists
_RATE, _NUM_REQUESTS, _SEED = 1.0, 100, 42  # the original's defaults


def add_request_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that `read_requests` reads, but for --config."""
    group = parser.add_argument_group("requests")
    source = group.add_mutually_exclusive_group()
    source.add_argument("--requests", metavar="FILE", help="requests CSV, or a trace in any format of `blis traces`")
    source.add_argument("--workload-spec", metavar="FILE|NAME", help=SPEC_HELP)
    names = ", ".join((DISTRIBUTION, *PRESETS, TRACES))
    group.add_argument(
        "--workload",
        metavar="NAME",
        help=f"the original's {names}, or a name of conf/workload; default {DISTRIBUTION} without --config",
    )
    group.add_argument("--workload-traces-filepath", metavar="FILE", help=f"CSV of token lists for {TRACES}")
    group.add_argument(
        "--window",
        choices=POOLS,
        help="of a recorded trace in a workload; default: report in --config, all of it in --workload-spec",
    )
    group.add_argument(
        "--seed", type=whole, metavar="N", help="of the requests drawn; default: the workload's own, or 42"
    )
    group.add_argument(
        "--num-requests", type=whole, metavar="N", help="requests to draw; default: the workload's, or 100"
    )
    group.add_argument(
        "--rate",
        type=number,
        metavar="X",
        help=f"requests a second that are drawn; default: the workload's, or {_RATE:g}",
    )
    group.add_argument("--rate-scale", type=number, metavar="X", help="factor on the rate, of recorded requests too")
    group.add_argument("--prefix-tokens", type=whole, metavar="N", help="prefix that all prompts share; default 0")
    add_flags(group, LENGTH_FLAGS)
    group.add_argument(
        "--max-model-len",
        type=whole,
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
    described = _described(options, workload)
    if options.window is not None and (described is None or not is_trace(described.mapping)):
        raise InputError("--window is for a recorded trace that a workload names, in --config or --workload-spec")
    if options.workload_traces_filepath and options.workload != TRACES:
        raise InputError(f"--workload-traces-filepath needs --workload {TRACES}")
    if options.rate_scale is not None:
        check_number("--rate-scale", options.rate_scale, 1e-6, 1e6)
    if options.requests is not None:
        table = _from_file(options, log)
    elif described is not None:
        table = _from_workload(options, described, log)
    else:
        table = _named(options, scenario, log)
    tell_requests(table, log)
    return _fitting(options, table, log)


def stream_requests(options: argparse.Namespace, workload: dict[str, Any] | None, log: Log) -> RequestStream:
    """The same requests, some at a time. Raises InputError for those that can only be had all at once."""
    described = _described(options, workload)
    for flag, given in (("--window", options.window), ("--max-model-len", options.max_model_len or None)):
        if given is not None:
            raise InputError(f"{flag} is for requests that are held all at once; leave it or --stream out")
    if options.rate_scale is not None:
        check_number("--rate-scale", options.rate_scale, 1e-6, 1e6)
    if options.requests is not None:
        return _stream_of_file(options, log)
    if described is None or is_trace(described.mapping):
        raise InputError(
            "--stream: requests are drawn from --workload-spec or a workload in --config, or come from --requests FILE"
        )
    mapping, where, _ = described
    _refuse_named_flags(options, f"{where} has its own lengths")
    with named_source(where):
        spec = load_workload({**mapping, **_changes(options, mapping)})
        assert isinstance(spec, WorkloadSpec)
        for line in spec.notes:
            log.note(f"requests: {line}")
        seed = spec.seed if options.seed is None else options.seed
        return generate_in_chunks(spec, seed, None, options.rate_scale or 1.0)


def _stream_of_file(options: argparse.Namespace, log: Log) -> RequestStream:
    """All requests of --requests, if it is a CSV of ours."""
    _refuse_recorded(options, log)
    if (name := detect_format(options.requests)) != "requests":
        raise InputError(
            f"--stream: {options.requests}: format {name!r} is read all at once;"
            " `blis convert FILE requests.csv --to requests` writes what can be streamed"
        )
    stream, factor = requests_in_chunks(options.requests, CHUNK), options.rate_scale or 1.0
    faster = (chunk._replace(table=rescaled(chunk.table, factor)) for chunk in stream.chunks)
    return RequestStream(stream.patterns, faster)


def tell_requests(table: RequestTable, log: Log) -> None:
    """Say what was done to recorded requests, and how many there are."""
    for line in table.notes:
        log.note(f"requests: {line}")
    log.info(f"{len(table)} requests, the last one at {int(table.soonest_us.max()) / 1e6:g} s")


def is_recorded(options: argparse.Namespace, workload: dict[str, Any] | None) -> bool:
    """Whether the requests are one sample, and no seed draws others."""
    described = _described(options, workload)
    if described is not None:
        return is_trace(described.mapping)
    return options.requests is not None or options.workload == TRACES


class _Described(NamedTuple):
    """A workload, where it stands, and whether that is in the scenario's file."""

    mapping: dict[str, Any]
    where: str
    in_config: bool


def _described(options: argparse.Namespace, workload: dict[str, Any] | None) -> _Described | None:
    """The workload that counts, None if requests come from a file or by the original's name."""
    if (spec := _spec_file(options)) is not None:
        return _Described(load_mapping(spec), spec, in_config=False)
    if workload is None or options.requests is not None or options.workload is not None:
        return None
    return _Described(workload, f"{options.config}: workload", in_config=True)


def _spec_file(options: argparse.Namespace) -> str | None:
    """What --workload-spec means, or a --workload that is none of the original's."""
    if options.workload_spec is not None:
        return workload_file(options.workload_spec)
    name, known = options.workload, (DISTRIBUTION, TRACES, *PRESETS, *_presets(options))
    if name is None or name in known or options.requests is not None:
        return None
    files = named_workloads()
    if name not in files:
        raise unknown_name("workload", name, {*known, *files})
    return str(files[name])


def _from_file(options: argparse.Namespace, log: Log) -> RequestTable:
    """All requests of --requests."""
    _refuse_recorded(options, log)
    return rescaled(load_requests(options.requests), options.rate_scale or 1.0)


def _refuse_recorded(options: argparse.Namespace, log: Log) -> None:
    """Refuse what cannot be said of the requests of a file."""
    _refuse_named_flags(options, "--requests gives them all")
    if options.workload is not None:
        raise InputError("--workload is for drawn requests; --requests gives them all")
    _only_drawn(options, "--requests gives them all", log)


def _from_workload(options: argparse.Namespace, described: _Described, log: Log) -> RequestTable:
    """The requests of a workload, with what the command line changes in it."""
    mapping, where, in_config = described
    _refuse_named_flags(options, f"{where} has its own lengths")
    if options.workload is not None and options.workload_spec is not None:
        log.warn("--workload changes nothing: the requests come from --workload-spec")
    scale = options.rate_scale or 1.0
    if is_trace(mapping):
        _refuse_for_trace(options)
        with named_source(where):
            spec = trace_spec(mapping).faster(scale)
            window = options.window or ("report" if in_config else None)
            return requests_of(spec) if window is None else load_window(spec, window)
    with named_source(where):
        return requests_of(load_workload({**mapping, **_changes(options, mapping)}), options.seed, None, scale)


def _changes(options: argparse.Namespace, mapping: dict[str, Any]) -> dict[str, Any]:
    """Keys of a specification that flags give; they may complete it."""
    changes: dict[str, Any] = {}
    if options.rate is not None:
        check_number("--rate", options.rate, above=0)
        changes["aggregate_rate"] = options.rate
    if options.num_requests is not None:
        check_integer("--num-requests", options.num_requests, 1)
        changes["num_requests"] = options.num_requests
    elif options.horizon is not None and not mapping.get("num_requests") and not mapping.get("horizon"):
        changes["horizon"] = options.horizon
    return changes


def _named(options: argparse.Namespace, scenario: Scenario, log: Log) -> RequestTable:
    """The requests of one of the original's workloads, which flags alone may ask for."""
    if options.workload == TRACES:
        if not options.workload_traces_filepath:
            raise InputError(f"--workload {TRACES} needs --workload-traces-filepath")
        _refuse_named_flags(options, "the trace gives them all")
        _only_drawn(options, "the trace gives them all", log)
        return rescaled(load_token_lists(options.workload_traces_filepath, "s"), options.rate_scale or 1.0)
    if options.workload is None and options.config is not None and options.rate is None and not _named_flags(options):
        raise InputError(
            "no requests: give --requests, --workload-spec, --workload, or a --config that holds a workload"
        )
    return _preset(options, options.workload or DISTRIBUTION, scenario, log)


def _named_flags(options: argparse.Namespace) -> list[str]:
    """The flags given that only the original's named workloads have."""
    values = {"--prefix-tokens": options.prefix_tokens, **{flag.name: flag.value(options) for flag in LENGTH_FLAGS}}
    return [name for name, value in values.items() if value is not None]


def _refuse_named_flags(options: argparse.Namespace, instead: str) -> None:
    for name in _named_flags(options):
        raise InputError(f"{name} is for --workload {DISTRIBUTION}; {instead}")


def _only_drawn(options: argparse.Namespace, instead: str, log: Log) -> None:
    """Refuse what cannot be said of recorded requests."""
    if options.num_requests is not None:
        raise InputError(f"--num-requests is for drawn requests; {instead}")
    if options.rate is not None:
        raise InputError(f"--rate is for drawn requests; {instead}: --rate-scale makes them faster or slower")
    if options.seed is not None:
        log.warn("--seed changes nothing: the requests come from a file")


def _refuse_for_trace(options: argparse.Namespace) -> None:
    """Refuse what cannot be said of a trace that a workload names."""
    for flag, value, instead in (
        ("--seed", options.seed, "give --window"),
        ("--num-requests", options.num_requests, "the workload has its own key `first`"),
        ("--rate", options.rate, "--rate-scale makes it faster or slower"),
    ):
        if value is not None:
            raise InputError(f"{flag} is for drawn requests; those of a trace are recorded: {instead}")


def _preset(options: argparse.Namespace, name: str, scenario: Scenario, log: Log) -> RequestTable:
    """Draw one of the original's workloads."""
    lengths = given_keys(options, LENGTH_FLAGS)
    if name != DISTRIBUTION and lengths:
        log.warn(f"--prompt-tokens, --output-tokens and the like change nothing: {name!r} has its own lengths")
        lengths = {}
    if options.prefix_tokens is not None:
        lengths["prefix_tokens"] = options.prefix_tokens
    presets = _presets(options)
    if name != DISTRIBUTION and name not in presets:
        raise unknown_name("workload", name, (DISTRIBUTION, *presets, TRACES))
    base = Preset() if name == DISTRIBUTION else presets[name]
    try:
        return generate_preset(
            Preset(**{**vars(base), **lengths}),
            (_RATE if options.rate is None else options.rate) * (options.rate_scale or 1.0),
            _NUM_REQUESTS if options.num_requests is None else options.num_requests,
            _SEED if options.seed is None else options.seed,
            scenario.horizon_us,
            truncated_gap=options.compat == "original",
        )
    except InputError as error:
        key, space, rest = str(error).partition(" ")
        raise InputError(f"--{key.replace('_', '-')}{space}{rest}") from None


def _presets(options: argparse.Namespace) -> Mapping[str, Preset]:
    """The original's workloads by name."""
    return load_defaults(options.defaults_filepath).presets if options.defaults_filepath else PRESETS


def _fitting(options: argparse.Namespace, table: RequestTable, log: Log) -> RequestTable:
    """The requests that --max-model-len lets in."""
    check_integer("--max-model-len", options.max_model_len, 0)
    fits = table.input_tokens + table.output_tokens <= options.max_model_len
    if not options.max_model_len or fits.all():
        return table
    short = int(fits.sum())
    log.warn(f"{len(table) - short} of {len(table)} requests, longer than --max-model-len, are left out")
    return keep_rows(table, fits)
