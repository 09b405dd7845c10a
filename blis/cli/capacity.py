"""`blis capacity`: the least number of instances and the highest rate at which promises are kept."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from blis.cli.diagnostics import LEVELS, Log
from blis.cli.flags import number, whole
from blis.cli.run_requests import SPEC_HELP
from blis.cli.run_scenario import add_scenario_flags, read_scenario
from blis.cli.workload_names import workload_file
from blis.errors import InputError, check_integer, check_number
from blis.yaml_strict import load_mapping, named_source

if TYPE_CHECKING:
    from blis.sizing.sizing import Promise
    from blis.workload.source import Workload

_EXAMPLES = """\
examples:
  blis capacity --config conf/cluster/h100x4.yaml --workload-spec conf/workload/chat_prefix.yaml \\
                --policy-config conf/policy/lmetric.yaml
  blis capacity --config conf/cluster/h100x4.yaml --workload-spec conf/workload/chat_prefix.yaml \\
                --slo critical=300/25 --slo batch=2000 --target 0.99 --instances 2:8 --rate 60
  blis capacity --config RUN/scenario.yaml --policy-config RUN/best_policy.yaml --output json

A request is in time if it is completed, its first token came by the TTFT of its class and, where --slo gives one, its
time per output token is not above that. Every number of instances and every rate meets the same requests, drawn closer
together or further apart; a trace is one table, and has no interval. Numbers are found by bisection, rates to 1 %.
"""


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "capacity",
        help="the least instances and the highest rate at which SLOs hold, with 95 %% intervals",
        description="Find what a policy can carry: instances at a rate, and the rate of its instances.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(execute=execute, workload=None)
    files = parser.add_argument_group("input and output")
    files.add_argument("--config", metavar="FILE", help="scenario YAML; it may hold a workload too")
    files.add_argument("--policy-config", metavar="FILE", help="policy bundle YAML")
    files.add_argument("--output", choices=["text", "json"], default="text", help="on stdout; default text")
    files.add_argument("--log", choices=LEVELS, default="warn", help="what to say on stderr; default warn")
    requests = parser.add_argument_group("requests")
    requests.add_argument("--workload-spec", metavar="FILE|NAME", help=SPEC_HELP)
    requests.add_argument(
        "--rate",
        type=number,
        metavar="X",
        help="requests, or starts of conversations, a second; default: the workload's",
    )
    requests.add_argument("--num-requests", type=whole, metavar="N", help="of each table; default: the workload's")
    requests.add_argument("--seeds", type=whole, metavar="N", help="tables of drawn requests; default 8")
    requests.add_argument("--seed", type=whole, metavar="N", help="of the first table; default 1")
    what = parser.add_argument_group("what is asked")
    what.add_argument(
        "--target", type=number, default=0.95, metavar="SHARE", help="of the requests must be in time; default 0.95"
    )
    what.add_argument(
        "--slo",
        type=promise,
        action="append",
        default=[],
        metavar="CLASS=TTFT[/TPOT]",
        help="promises in ms; default: the `ttft_ms` of its tier in the scenario",
    )
    what.add_argument(
        "--instances",
        type=instances,
        metavar="LEAST:MOST",
        help="that are tried; default 1:16, with those that only prefill on top; none where there are pools",
    )
    add_scenario_flags(parser)


def execute(options: argparse.Namespace) -> None:
    """Check everything that was given, then look for both numbers, and print them."""
    log = Log(options.log)
    check_number("--target", options.target, 0, 1, above=0)
    scenario, workload = read_scenario(options, log)
    asked, seeds = _workload(options, workload)

    from blis.latency.standing import standing
    from blis.sizing.sizing import Sizing
    from blis.sizing.text import capacity_dict, capacity_json, capacity_text

    sizing = Sizing(scenario, asked, seeds, options.target, dict(options.slo))
    log.info(f"{len(sizing.tables)} tables of {len(sizing.tables[0])} requests at {sizing.rate:g} a second")
    prefill = scenario.cluster.disaggregation.prefill_instances  # besides, one has to generate
    tried = options.instances or (None if scenario.pools else (1 + prefill, 16 + prefill))
    facts = capacity_dict(sizing, None if tried is None else sizing.least_instances(*tried))
    if options.output == "json":
        print(capacity_json(facts))
    else:
        print(capacity_text(facts, str(standing(scenario.instance.latency_model))))


def promise(text: str) -> tuple[str, Promise]:
    """A class and what it is promised, from CLASS=TTFT or CLASS=TTFT/TPOT in ms."""
    from blis.sizing.sizing import Promise

    name, equals, targets = text.partition("=")
    ttft, slash, tpot = targets.partition("/")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is no promise; write CLASS=TTFT or CLASS=TTFT/TPOT, in ms")
    found = Promise(number(ttft), number(tpot) if slash else None)
    for value in (found.ttft_ms, found.tpot_ms):
        if value is not None and not 0.001 <= value <= 1e9:
            raise argparse.ArgumentTypeError(f"{text!r}: a promise must be in [0.001, 1e+09] ms")
    return name, found


def instances(text: str) -> tuple[int, int]:
    """Two numbers from LEAST:MOST."""
    least, colon, most = text.partition(":")
    if not colon:
        raise argparse.ArgumentTypeError(f"{text!r} is no range; write LEAST:MOST, as in 1:16")
    found = whole(least), whole(most)
    if not 1 <= found[0] <= found[1] <= 1024:
        raise argparse.ArgumentTypeError(f"{text!r}: a range must have 1 <= LEAST <= MOST <= 1024")
    return found


def _workload(options: argparse.Namespace, embedded: dict[str, Any] | None) -> tuple[Workload, range]:
    """The workload with what flags change in it, and the seeds of its tables."""
    from blis.workload.read.traces import is_trace
    from blis.workload.source import load_workload

    spec = options.workload_spec and workload_file(options.workload_spec)
    mapping = load_mapping(spec) if spec else embedded
    if mapping is None:
        raise InputError("no requests: give --workload-spec, or a --config that holds a workload")
    drawn = {"--rate": options.rate, "--num-requests": options.num_requests, "--seeds": options.seeds}
    for flag, value in drawn.items():
        if value is not None and is_trace(mapping):
            raise InputError(f"{flag} is for drawn requests; those of a trace are recorded")
    changes = {"aggregate_rate": options.rate, "num_requests": options.num_requests}
    given = {key: value for key, value in changes.items() if value is not None}
    count, first = (default if value is None else value for value, default in ((options.seeds, 8), (options.seed, 1)))
    check_integer("--seeds", count, 1, 10_000)
    with named_source(spec or f"{options.config}: workload"):
        return load_workload({**mapping, **given}), range(first, first + count)
