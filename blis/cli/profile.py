"""`blis profile`: a specification whose requests are like those of a trace, and how much they are."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blis.cli.any_workload import SOURCE_HELP, add_draw_flags, any_workload, drawn_or_read
from blis.cli.compare import policy_names
from blis.cli.diagnostics import LEVELS, Log
from blis.cli.flags import number, whole
from blis.errors import InputError, check_integer
from blis.files import write_text
from blis.latency.table import TABLE_BLOCK_TOKENS
from blis.policies.bundle import load_bundle
from blis.scenario import apply_bundle, load_scenario
from blis.text import aligned
from blis.workload.capacity import scaled_instances, served_rate
from blis.workload.draw.generate import generate
from blis.workload.profile.fit import profile
from blis.workload.profile.match import Measure, measures
from blis.workload.profile.write import profile_text
from blis.workload.read.traces import rescaled

if TYPE_CHECKING:
    from blis.comparison.agreement import Agreement
    from blis.tables.requests import RequestTable

_EXAMPLES = """\
examples:
  blis profile traffic.jsonl                                   # how well a twin would match
  blis profile traffic.jsonl --out mine/workload/twin.yaml     # and the twin: figures, no rows
  blis profile traffic.jsonl --config conf/cluster/h100x4.yaml --policies conf/policy/*.yaml

The twin is held against the trace on one table that is drawn from it. With --policies, each of them is simulated on
both and on a second twin. Kendall's tau says whether trace and twin agree which is better, and how far two twins do.
There are as many instances as the trace keeps busy to --utilisation, and not less than the scenario's: it comes faster
for them.
"""


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "profile",
        help="a workload specification that is like a trace, without its rows",
        description="Fit a workload specification to a trace, and say how well it matches.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(execute=execute)
    parser.add_argument("source", metavar="TRACE|SPEC|NAME", help=SOURCE_HELP)
    parser.add_argument("--out", metavar="FILE", help="write the specification, a .yaml")
    parser.add_argument("--name", metavar="NAME", help="of the specification; default: the trace file's")
    add_draw_flags(parser)
    parser.add_argument("--twin-seed", type=whole, default=1, metavar="N", help="of the twin compared; default 1")
    parser.add_argument(
        "--block-size-in-tokens",
        type=whole,
        default=TABLE_BLOCK_TOKENS,
        metavar="N",
        help=f"KV block for the ideal hit rate; default {TABLE_BLOCK_TOKENS}",
    )
    parser.add_argument("--log", choices=LEVELS, default="warn", help="what to say on stderr; default warn")
    ranks = parser.add_argument_group("rank agreement, which takes the longest: left out without --policies")
    ranks.add_argument("--policies", metavar="FILE", nargs="+", help="policy bundles YAML, two or more")
    ranks.add_argument("--config", metavar="FILE", help="scenario YAML that they run in")
    ranks.add_argument(
        "--utilisation",
        type=number,
        default=0.7,
        metavar="X",
        help="how busy instances are, if nothing is cached; default 0.7",
    )


def execute(options: argparse.Namespace) -> None:
    """Check everything that was given, then fit, compare, and print or write what came out."""
    if (options.policies is None) != (options.config is None):
        raise InputError("--policies and --config go together: policies are ranked on the scenario's instances")
    check_integer("--twin-seed", options.twin_seed, 0)
    check_integer("--block-size-in-tokens", options.block_size_in_tokens, 1, 2**20)
    if options.out is not None and Path(options.out).suffix not in (".yaml", ".yml"):
        raise InputError(f"--out must end in .yaml, got {options.out!r}")
    policies = policy_names(options.policies, "--policies") if options.policies else {}
    table = drawn_or_read(any_workload(options.source), options, Log(options.log))
    found = profile(table, options.name or Path(options.source).stem)
    twin = generate(found.spec, options.twin_seed)
    print(_measures_text(measures(table, twin, options.block_size_in_tokens)))
    if policies:
        tables = [table, twin, generate(found.spec, options.twin_seed + 1)]
        print(f"\n{_agreement_text(_agreement(options, policies, tables))}")
    print("\n" + "\n".join(f"not carried: {line}" for line in found.left_out))
    if options.out is not None:
        write_text(options.out, profile_text(found, _about(options.source, table)))


def _about(source: str, table: RequestTable) -> str:
    """Whose profile it is."""
    seconds = table.span_us / 1e6
    return f"Profile of {Path(source).name}: {len(table)} requests in {seconds:.0f} s, by `blis profile`."


def _measures_text(found: Sequence[Measure]) -> str:
    rows = [("", "trace", "twin", "KS")]
    return aligned(
        rows
        + [
            (one.name, f"{one.trace:.4g}", f"{one.twin:.4g}", "" if one.ks is None else f"{one.ks:.3f}")
            for one in found
        ]
    )


def _agreement(options: argparse.Namespace, policies: dict[str, str], tables: list[RequestTable]) -> Agreement:
    """Every policy on every table, on instances that the first of them keeps as busy as is asked for.

    They are as many as it calls for, at least the scenario's; then all tables come as much faster as that leaves room.
    """
    from blis.comparison.agreement import agreement

    scenario = load_scenario(options.config)
    instances = max(scaled_instances(tables[0], scenario.instance, options.utilisation), scenario.cluster.instances)
    sized = replace(scenario, cluster=replace(scenario.cluster, instances=instances))
    busy = tables[0].offered_per_s / served_rate(tables[0], scenario.instance) / instances
    faster = [rescaled(table, options.utilisation / busy) for table in tables]
    return agreement({name: apply_bundle(sized, load_bundle(file)) for name, file in policies.items()}, faster)


def _agreement_text(found: Agreement) -> str:
    rows: list[tuple[str, ...]] = [("mean TTFT ms", "trace", "twin", "another twin")]
    ranked = sorted(found.ttft_ms.items(), key=lambda item: item[1])
    rows += [(name, *(f"{ms:.1f}" for ms in each)) for name, each in ranked]
    taus = (
        "none, as they are all alike" if tau is None else f"{tau:.2f}" for tau in (found.tau(0, 1), found.tau(1, 2))
    )
    return "{}\nKendall's tau of {} policies: trace and twin {}; two twins {}".format(
        aligned(rows, range(1, 4)), len(ranked), *taus
    )
