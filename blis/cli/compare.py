"""`blis compare`: policies side by side on the same requests, with intervals and a picture."""

from __future__ import annotations

import argparse
import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blis.cli.diagnostics import LEVELS, Log
from blis.cli.flags import whole
from blis.cli.run_requests import add_request_flags, is_recorded, read_requests
from blis.cli.run_scenario import add_scenario_flags, read_scenario
from blis.config import Scenario
from blis.errors import InputError, check_integer, unknown_name

if TYPE_CHECKING:
    from blis.tables.requests import RequestTable

_EXAMPLES = """\
examples:
  blis compare --config conf/cluster/h100x4.yaml --workload-spec conf/workload/chat_prefix.yaml --seeds 8 \\
               --bundle conf/policy/llm-d-default.yaml --bundle conf/policy/round-robin.yaml --picture compare.png
  blis compare --config RUN/scenario.yaml --bundle RUN/best_policy.yaml --bundle usual.yaml --baseline usual.yaml
  blis compare --config scenario.yaml --requests requests.csv --bundle a.yaml --bundle b.yaml
  blis compare --config RUN/scenario.yaml --window report --bundle a.yaml --bundle b.yaml    # on a recorded trace

Drawn requests: a table a seed, and paired t intervals over tables. A file or a trace is one sample: intervals come from
a bootstrap over blocks of its time, and there are none if it is too short for that. The picture shows the first table.
Flags of policies count for all of them, whatever their bundles say. A request is in time if its first token came by the
`ttft_ms` of its tier (`slo_tiers` of the scenario) and it was completed.
"""


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "compare",
        help="policies side by side on the same requests, with 95 %% intervals",
        description="Compare policies on the same requests.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(execute=execute, policy_config=None)
    files = parser.add_argument_group("what is compared")
    files.add_argument("--config", metavar="FILE", help="scenario YAML; it may hold a workload too")
    files.add_argument(
        "--bundle", metavar="FILE", action="append", default=[], help="policy bundle YAML; at least two, one each"
    )
    files.add_argument(
        "--baseline", metavar="FILE", help="the bundle that others are compared with; default: the first"
    )
    files.add_argument("--seeds", type=whole, metavar="N", help="tables of drawn requests; default 8")
    files.add_argument("--output", choices=["text", "json"], default="text", help="on stdout; default text")
    files.add_argument("--picture", metavar="FILE", help="draw latencies, queues and KV use into this .png file")
    files.add_argument("--compat", choices=["original"], help="behave as the recorded original does")
    files.add_argument("--log", choices=LEVELS, default="warn", help="what to say on stderr; default warn")
    add_request_flags(parser)
    add_scenario_flags(parser)


def execute(options: argparse.Namespace) -> None:
    """Check everything that was given, then simulate every policy on every table, and print what differs."""
    log = Log(options.log)
    names = policy_names(options.bundle)
    baseline = _baseline(options, names)
    if options.picture and Path(options.picture).suffix != ".png":
        raise InputError(f"--picture must end in .png, got {options.picture!r}")
    scenarios: dict[str, Scenario] = {}
    for name, bundle in names.items():
        scenarios[name], workload = read_scenario(_with(options, policy_config=bundle), log)
    tables = _tables(options, workload, scenarios[baseline], log)

    from blis.comparison.runs import counted_run, write_picture
    from blis.comparison.side_by_side import compare_policies
    from blis.comparison.text import side_by_side_json, side_by_side_text
    from blis.latency.standing import standing

    outcomes = {
        name: [counted_run(scenario, table, options.compat) for table in tables] for name, scenario in scenarios.items()
    }
    compared = compare_policies(outcomes, tables, baseline)
    model = standing(scenarios[baseline].instance.latency_model)
    print(side_by_side_json(compared, model) if options.output == "json" else side_by_side_text(compared, model))
    if options.picture:
        write_picture(options.picture, scenarios, tables[0], options.compat)
        log.info(f"the picture is in {options.picture}")


def policy_names(bundles: list[str], flag: str = "--bundle") -> dict[str, str]:
    """A short name for each bundle's path: the file's, or the whole path where two files have one name.

    flag: that they were given by.
    """
    stems = [Path(bundle).stem for bundle in bundles]
    found = {stem if stems.count(stem) == 1 else bundle: bundle for stem, bundle in zip(stems, bundles, strict=True)}
    if len(bundles) < 2:
        raise InputError(f"give two policies or more by {flag}")
    if len(found) < len(bundles):
        raise InputError(f"{flag} names a file twice")
    return found


def _baseline(options: argparse.Namespace, names: dict[str, str]) -> str:
    """The name of the baseline, which may be given by path or by name."""
    if options.baseline is None:
        return next(iter(names))
    for name, bundle in names.items():
        if options.baseline in (name, bundle):
            return name
    raise unknown_name("--baseline", options.baseline, names)


def _tables(
    options: argparse.Namespace, workload: dict[str, Any] | None, scenario: Scenario, log: Log
) -> list[RequestTable]:
    """As many tables as seeds; of recorded requests the one there is."""
    if is_recorded(options, workload):
        if options.seeds is not None:
            raise InputError("--seeds is for drawn requests; these are recorded, and there is one table of them")
        return [read_requests(options, workload, scenario, log)]
    count = 8 if options.seeds is None else options.seeds
    check_integer("--seeds", count, 1, 10_000)
    first = 1 if options.seed is None else options.seed
    return [read_requests(_with(options, seed=seed), workload, scenario, log) for seed in range(first, first + count)]


def _with(options: argparse.Namespace, **changes: Any) -> argparse.Namespace:
    changed = copy.copy(options)
    vars(changed).update(changes)
    return changed
