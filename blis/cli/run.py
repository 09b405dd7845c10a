"""`blis run`: one simulation. Precedence of every key: command line, policy bundle, scenario file, default."""

from __future__ import annotations

import argparse
import copy
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blis.cli.flags import POLICY_FLAGS, SCENARIO_FLAGS, add_flags, given_keys, set_key
from blis.config import Scenario
from blis.errors import InputError
from blis.fitness import original_fitness, parse_weights
from blis.policies.bundle import load_bundle
from blis.requests import RequestTable
from blis.scenario import apply_bundle, load_scenario, split_workload
from blis.schema import COMPLETED, REJECTED
from blis.workload.traces import is_trace, load_window, trace_spec
from blis.workload.windows import POOLS
from blis.yaml_strict import load_mapping, named_source

if TYPE_CHECKING:
    from blis.api import Result

_EXAMPLES = """\
examples:
  blis run --config scenario.yaml --requests requests.csv --results-path out.csv
  blis run --config scenario.yaml --workload-spec chat.yaml --seed 7 --policy-config best_policy.yaml
  blis run --config RUN/scenario.yaml --policy-config RUN/best_policy.yaml --seed N    # a run of a search again
  blis run --config RUN/scenario.yaml --policy-config RUN/best_policy.yaml --window report    # the same on a trace
  blis run --model meta-llama/llama-3.1-8b-instruct --num-instances 4 --requests requests.csv \\
           --routing-policy weighted --routing-scorers "queue-depth:2,kv-utilization:2"

Each key is taken from the command line, else the policy bundle, else the scenario file, else its default.
Metrics go to stdout as JSON, everything else to stderr. Exit status: 0 success, 2 bad input, 1 failure.
"""


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "run",
        help="one simulation: a scenario and requests in, metrics and results out",
        description="Run one simulation and print its metrics.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(execute=execute)
    files = parser.add_argument_group("input and output")
    files.add_argument("--config", metavar="FILE", help="scenario YAML; it may hold a workload too")
    source = files.add_mutually_exclusive_group()
    source.add_argument("--requests", metavar="FILE", help="requests CSV")
    source.add_argument("--workload-spec", metavar="FILE", help="workload specification YAML to draw requests from")
    files.add_argument("--seed", type=int, metavar="N", help="of the requests drawn; default: the workload's own")
    files.add_argument("--window", choices=POOLS, help="of a recorded trace in --config; default: report")
    files.add_argument("--num-requests", type=int, metavar="N", help="requests to draw, if not as the workload says")
    files.add_argument("--policy-config", metavar="FILE", help="policy bundle YAML")
    files.add_argument("--compat", choices=["original"], help="behave as the recorded original does")
    files.add_argument("--results-path", metavar="FILE", help="write one row a request to this .csv file")
    files.add_argument("--fitness-weights", metavar="LIST", help="KEY:WEIGHT,… print the original's fitness too")
    add_flags(parser.add_argument_group("scenario"), SCENARIO_FLAGS)
    add_flags(parser.add_argument_group("policy"), POLICY_FLAGS)


def execute(options: argparse.Namespace) -> None:
    """Check everything that was given, then simulate, write the results and print the metrics."""
    from blis import api  # the engine takes a second to load; --help and mistakes need not wait

    if options.results_path and Path(options.results_path).suffix != ".csv":
        raise InputError(f"--results-path must end in .csv, got {options.results_path!r}")
    weights = parse_weights(options.fitness_weights) if options.fitness_weights else None
    scenario, workload = read_scenario(options)
    requests = _requests(options, workload)
    _warn_before(options, scenario, requests)
    result = api.simulate(scenario, requests, compat=options.compat)
    if options.results_path:
        result.save(options.results_path)
    _warn_after(result)
    report = result.metrics.to_dict()
    if weights is not None:
        original_rules = options.compat == "original"
        report["fitness"] = dict(original_fitness(result.metrics, weights, original_rules=original_rules))
    print(json.dumps(report, indent=2, allow_nan=False))


def read_scenario(options: argparse.Namespace) -> tuple[Scenario, dict[str, Any] | None]:
    """The scenario with bundle and flags applied, and the workload that its file holds, if any."""
    mapping: dict[str, Any] = load_mapping(options.config) if options.config else {}
    with named_source(options.config or "blis run"):
        mapping, workload = split_workload(mapping)
        scenario = load_scenario(_with_flags(mapping, options))
    if options.policy_config:
        scenario = apply_bundle(scenario, load_bundle(options.policy_config))
    return apply_bundle(scenario, load_bundle(given_keys(options, POLICY_FLAGS))), workload


def _with_flags(mapping: dict[str, Any], options: argparse.Namespace) -> dict[str, Any]:
    """A scenario's mapping with the flags that name its keys."""
    mapping = copy.deepcopy(mapping)
    if any(value is not None for value in (options.model, options.hardware, options.tp)):
        # The file's coefficients belong to another deployment.
        for key in ("alpha", "beta"):
            set_key(mapping, f"instance.latency_model.{key}", [])
    for flag in SCENARIO_FLAGS:
        if flag.value(options) is not None:
            set_key(mapping, flag.key, flag.value(options))
    return mapping


def _requests(options: argparse.Namespace, workload: dict[str, Any] | None) -> RequestTable:
    from blis import api

    if options.requests is None and options.workload_spec is None and workload is not None and is_trace(workload):
        return _window(options, workload)
    if options.window is not None:
        raise InputError("--window is for a recorded trace, which --config must hold as its workload")
    if options.requests:
        if options.num_requests is not None:
            raise InputError("--num-requests is for drawn requests; --requests gives them all")
        if options.seed is not None:
            _note("warning: --seed changes nothing: the requests come from a file")
        return api.load_requests(options.requests)
    spec = options.workload_spec or workload
    if spec is None:
        raise InputError("no requests: give --requests, --workload-spec, or a --config that holds a workload")
    return api.generate(spec, options.seed, options.num_requests)


def _window(options: argparse.Namespace, workload: dict[str, Any]) -> RequestTable:
    """The requests of a window of the trace that the scenario file names."""
    if options.seed is not None:
        raise InputError("--seed is for drawn requests; those of a trace are recorded: give --window")
    if options.num_requests is not None:
        raise InputError("--num-requests is for drawn requests; the trace in --config has its own key `first`")
    with named_source(options.config):
        return load_window(trace_spec(workload), options.window or "report")


def _warn_before(options: argparse.Namespace, scenario: Scenario, requests: RequestTable) -> None:
    routing, admission = scenario.cluster.routing, scenario.cluster.admission
    if options.routing_scorers and routing.policy != "weighted":
        _note(f"warning: --routing-scorers changes nothing: the routing policy is {routing.policy!r}")
    capacity = admission.token_bucket.capacity_tokens
    too_long = int((requests.input_tokens > capacity).sum())
    if admission.policy == "token-bucket" and too_long:
        _note(f"warning: {too_long} requests have more tokens than the bucket holds ({capacity:g}) and cannot get in")


def _warn_after(result: Result) -> None:
    status = result.table.status
    if len(status) and not (status == COMPLETED).any():
        rejected = int((status == REJECTED).sum())
        _note(f"warning: no request was completed; {rejected} of {len(status)} were rejected")


def _note(text: str) -> None:
    print(f"blis: {text}", file=sys.stderr)
