"""`blis run`: one simulation, from a command line to its metrics."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from blis.cli.diagnostics import LEVELS, Log
from blis.cli.flags import number, whole
from blis.cli.run_requests import add_request_flags, read_requests
from blis.cli.run_scenario import add_scenario_flags, read_scenario
from blis.config import Autoscaling, FlowControl, Scenario
from blis.errors import InputError, check_integer
from blis.policies.admission import ADMISSION
from blis.policies.legacy_bucket import is_bucket
from blis.tables.records import COMPLETED, STATUS_NAMES
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable

if TYPE_CHECKING:
    from blis.api import Result
    from blis.evaluation.decisions import DecisionSummary
    from blis.evaluation.metrics import Metrics
    from blis.fitness.original import OriginalScore

#: An arrival so late, in September 2001, is told by the clock on the wall.
_UNIX_US = 10**15

#: One that is in the year 33658 if it counts µs, and in 2001 if it counts ns.
_UNIX_NS = 10**18

#: The requests for options, the workload in the scenario's file and the scenario; says what it did in a log.
RequestReader = Callable[[argparse.Namespace, dict[str, Any] | None, Scenario, Log], RequestTable]

_RECORDS = (".yaml", ".jsonl")  # endings of traces that can be written

_EXAMPLES = """\
examples:
  blis run --config scenario.yaml --requests requests.csv --results-path out.csv
  blis run --config scenario.yaml --workload-spec chat.yaml --seed 7 --policy-config best_policy.yaml
  blis run --config RUN/scenario.yaml --policy-config RUN/best_policy.yaml --seed N    # a run of a search again
  blis run --config RUN/scenario.yaml --policy-config RUN/best_policy.yaml --window report    # the same on a trace
  blis run --config scenario.yaml --requests requests.csv --trace-level decisions --summarize-trace \\
           --counterfactual-k 3 --trace-output decisions.jsonl    # why each request went where it went
  blis run --config scenario.yaml --requests traffic.jsonl --record run.yaml    # a trace that can be replayed
  blis run --config scenario.yaml --workload-spec chat.yaml --num-requests 10000000 --stream --results-path out.csv

without a scenario file, by the original's flags:
  blis run --model meta-llama/llama-3.1-8b-instruct --num-instances 4 --workload chatbot --rate 20 --num-requests 500
  blis run --model meta-llama/llama-3.1-8b-instruct --num-instances 4 --requests requests.csv \\
           --routing-policy weighted --routing-scorers "queue-depth:2,kv-utilization:2"
  blis run --latency-model roofline --model qwen3-14b --hardware H100 --tp 4 --rate 5 --prompt-tokens 2000
  blis run --model x --model-config-folder models/x --hardware-config hardware.json --hardware H100 --tp 2
  blis run --model x --workload traces --workload-traces-filepath traces.csv --compat original --output original \\
           --alpha-coeffs 1000,10,50 --beta-coeffs 5000,20,100 --results-path out.json

Each key is taken from the command line, else the policy bundle, else the scenario file, else its default.
Metrics go to stdout, everything else to stderr. Exit status: 0 success, 2 bad input, 1 failure.
"""


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "run",
        usage="blis run [--config FILE | --model NAME] [--requests FILE | --workload NAME | …] [options]",
        help="one simulation: a scenario and requests in, metrics and results out",
        description="Run one simulation and print its metrics.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(execute=execute)
    add_run_flags(parser)
    parser.add_argument(
        "--stream",
        action="store_true",
        help="hold no more requests than are in flight: for millions of them; same results, written as they come",
    )
    add_request_flags(parser)
    add_scenario_flags(parser)


def add_run_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that `run` reads, but for those of the scenario and the requests."""
    files = parser.add_argument_group("input and output")
    files.add_argument("--config", metavar="FILE", help="scenario YAML; it may hold a workload too")
    files.add_argument("--policy-config", metavar="FILE", help="policy bundle YAML")
    files.add_argument("--compat", choices=["original"], help="behave as the recorded original does")
    files.add_argument(
        "--results-path",
        metavar="FILE",
        help="write one row a request to this .csv file, or the original's results to this .json file",
    )
    files.add_argument(
        "--ensemble-member", type=whole, metavar="N", help="simulate this member of the latency model's ensemble alone"
    )
    files.add_argument("--fitness-weights", metavar="LIST", help="KEY:WEIGHT,… print the original's fitness too")
    files.add_argument(
        "--output",
        choices=["json", "original"],
        default="json",
        help="on stdout: one JSON document (default), or headings and sections as the original prints them",
    )
    files.add_argument(
        "--warm-up",
        type=number,
        metavar="SECONDS",
        help="print rates of the steady part, too: from so long after the first arrival to the last arrival",
    )
    files.add_argument("--log", choices=LEVELS, default="warn", help="what to say on stderr; default warn")
    trace = parser.add_argument_group("decision trace")
    trace.add_argument("--trace-level", choices=["none", "decisions"], help="keep the router's decisions; default none")
    trace.add_argument(
        "--counterfactual-k", type=whole, default=0, metavar="N", help="best instances a record describes"
    )
    trace.add_argument(
        "--counterfactual-replay",
        type=whole,
        default=0,
        metavar="N",
        help="run again with every other choice of the N most regretted decisions; default 0",
    )
    trace.add_argument("--summarize-trace", action="store_true", help="print totals and regrets of the decisions")
    trace.add_argument(
        "--record",
        metavar="FILE",
        help="write the requests as a trace: FILE.yaml (and .csv) = trace v2 with their times, FILE.jsonl = Mooncake's",
    )
    trace.add_argument("--trace-output", metavar="FILE", help="write the decisions here, one JSON object a line")


def execute(options: argparse.Namespace) -> None:
    """One simulation of the requests that the command line asks for."""
    if options.stream:
        from blis.cli.run_stream import run_streamed

        run_streamed(options)
    else:
        run(options, read_requests)


def run(options: argparse.Namespace, requests_of: RequestReader) -> None:
    """Check everything that was given, then simulate, write the results and print the metrics."""
    from blis import api  # the engine takes a second to load; --help and mistakes need not wait
    from blis.comparison.ensemble import ensemble_ranges
    from blis.engine.observe import Observe
    from blis.evaluation.steady import steady_rates
    from blis.fitness.original import original_fitness, parse_weights
    from blis.original.text import original_text

    log = Log(options.log)
    if options.results_path and Path(options.results_path).suffix not in (".csv", ".json"):
        raise InputError(f"--results-path must end in .csv or .json, got {options.results_path!r}")
    if options.record and Path(options.record).suffix not in _RECORDS:
        raise InputError(f"--record must end in {' or '.join(_RECORDS)}, got {options.record!r}")
    if options.trace_output and Path(options.trace_output).suffix in (".yaml", ".yml"):
        raise InputError(
            "--trace-output writes decisions as JSON lines; --record FILE.yaml writes the run as a trace v2"
        )
    weights = parse_weights(options.fitness_weights) if options.fitness_weights else None
    keeps_decisions = _keeps_decisions(options, log)
    scenario, workload = chosen_scenario(options, log)
    requests = requests_of(options, workload, scenario, log)
    warn_of_what_is_off(scenario, log)
    warn_of_requests(scenario, requests, log)
    result = api.simulate(scenario, requests, compat=options.compat, observe=Observe(decisions=keeps_decisions))
    if options.results_path:
        result.save(options.results_path)
    if options.record:
        _record(options.record, result, log)
    warn_of_results(result.table, log)
    warn_of_outages(scenario, result, log)
    steady = None if options.warm_up is None else steady_rates(result.requests, result.table, options.warm_up)
    summary, replays = _decisions(options, result) if keeps_decisions else (None, [])
    fitness = None
    if weights is not None:
        fitness = original_fitness(result.metrics, weights, original_rules=options.compat == "original")
    if options.output == "original":
        print(original_text(result, fitness, summary))
        if replays:
            print("=== Counterfactual Replays ===", *(json.dumps(record) for record in replays), sep="\n")
        return
    report = metrics_report(scenario, result.metrics, fitness)
    if ranges := ensemble_ranges(scenario, requests, result.compat):
        members = scenario.instance.latency_model.ensemble
        report["ensemble"] = {"members": members, "low_middle_high": ranges}
    if steady is not None:
        report |= steady.to_dict()
    if summary is not None:
        report["trace_summary"] = vars(summary)
    if replays:
        report["counterfactual_replays"] = replays
    print(json.dumps(report, indent=2, allow_nan=False))


def chosen_scenario(options: argparse.Namespace, log: Log) -> tuple[Scenario, dict[str, Any] | None]:
    """The scenario, of one member of the latency model's ensemble if that is asked for, and its file's workload."""
    from blis.scenario import member_scenario

    scenario, workload = read_scenario(options, log)
    if options.ensemble_member is not None:
        members = max(replica.instance.latency_model.ensemble for replica in scenario.replicas)
        if not members:
            raise InputError("--ensemble-member needs latency_model.ensemble, the number of members")
        check_integer("--ensemble-member", options.ensemble_member, 0, members - 1)
        scenario = member_scenario(scenario, options.ensemble_member)
    return scenario, workload


def metrics_report(scenario: Scenario, metrics: Metrics, fitness: OriginalScore | None) -> dict[str, Any]:
    """What is printed of a run, as plain numbers."""
    from blis.latency.standing import standing

    report = metrics.to_dict() | ({} if fitness is None else {"fitness": dict(fitness)})
    report["latency_model"] = standing(scenario.instance.latency_model).to_dict()
    return report


def _keeps_decisions(options: argparse.Namespace, log: Log) -> bool:
    """Whether the run's decisions are wanted."""
    check_integer("--counterfactual-k", options.counterfactual_k, 0)
    check_integer("--counterfactual-replay", options.counterfactual_replay, 0)
    if options.trace_level == "decisions" or options.trace_output:
        return True
    if options.summarize_trace or options.counterfactual_k or options.counterfactual_replay:
        log.warn("--summarize-trace and --counterfactual-… change nothing without --trace-level decisions")
    return False


def _record(path: str, result: Result, log: Log) -> None:
    """Write the run as a trace that can be replayed."""
    from blis.workload.write.runs import save_run

    for line in save_run(path, result.requests, result.table):
        log.warn(f"{path}: {line}")


def _decisions(options: argparse.Namespace, result: Result) -> tuple[DecisionSummary | None, list[dict[str, Any]]]:
    """Write the decisions where they are wanted; their summary if that is, and what other choices would have done."""
    from blis.evaluation.counterfactual import replay_records
    from blis.evaluation.decisions import decision_summary, decision_trace, write_decisions

    parts = (result.scenario, result.requests, result.table)
    trace = decision_trace(*parts, candidates=options.counterfactual_k, original=options.compat == "original")
    if options.trace_output:
        write_decisions(options.trace_output, trace)
    choices = trace.most_regretted(options.counterfactual_replay)
    return decision_summary(trace) if options.summarize_trace else None, replay_records(*parts, choices, result.compat)


def warn_of_what_is_off(scenario: Scenario, log: Log) -> None:
    """Say what is described and not switched on."""
    gate, scaling = scenario.cluster.flow_control, scenario.cluster.autoscaling
    if not gate.enabled and gate != FlowControl():
        log.warn("flow_control changes nothing: it has no `enabled: true`")
    if not scaling.any and scaling != Autoscaling():
        log.warn("autoscaling changes nothing: it has no maximum")


def warn_of_requests(scenario: Scenario, requests: RequestTable, log: Log) -> None:
    """Say how many prompts no bucket can ever pay for, and that arrivals look like the time of day."""
    first_us = requests.first_arrival_us
    if first_us >= _UNIX_NS:
        log.warn(f"arrivals begin at {first_us} µs: if that is the Unix clock in ns, they are 1,000 times too large")
    elif first_us >= _UNIX_US:
        first = datetime.fromtimestamp(first_us // 1_000_000, UTC)
        log.warn(f"arrivals are on the Unix clock, from {first:%Y-%m-%d %H:%M:%S} UTC on: rates count from there")
    admission = scenario.cluster.admission
    if not is_bucket(admission.policy):
        return
    capacity = ADMISSION.named_values(admission.policy, admission.parameters)["capacity_tokens"]
    too_long = int((requests.input_tokens > capacity).sum())
    if too_long:
        log.warn(f"{too_long} requests have more tokens than the bucket holds ({capacity:g}) and cannot get in")


def warn_of_results(result: ResultTable, log: Log) -> None:
    """Say that nobody was served."""
    if not len(result.status) or (result.status == COMPLETED).any():
        return
    counts = zip(STATUS_NAMES, np.bincount(result.status, minlength=len(STATUS_NAMES)), strict=True)
    fates = ", ".join(f"{count} {name}" for name, count in counts if count)
    log.warn(f"no request was completed: {fates} of {len(result.status)}")


def warn_of_outages(scenario: Scenario, result: Result, log: Log) -> None:
    """Say which outages nobody meets: they are over before the first request comes, or begin after the run."""
    first_us, end_us, startup = result.requests.first_arrival_us, result.table.end_us, scenario.cluster.startup
    for place, outage in enumerate(scenario.cluster.failures.scheduled):
        over_us = outage.gone_us + outage.down_us + startup.load_us + startup.warm_up_us
        if over_us <= first_us or outage.at_us > end_us:
            log.warn(
                f"failures.scheduled[{place}], from {outage.at_us} to {over_us} µs, changes nothing:"
                f" the run is from {first_us} to {end_us} µs"
            )
