"""`blis run --stream`: the same simulation, the same bytes, without holding all requests."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from blis.cli.diagnostics import Log
from blis.cli.run import chosen_scenario, metrics_report, warn_of_requests, warn_of_results, warn_of_what_is_off
from blis.cli.run_requests import stream_requests
from blis.errors import InputError

#: Flags for which all of a run must be at hand, and what they are without being given.
_WHOLE: dict[str, Any] = {
    "compat": None,
    "record": None,
    "trace_level": None,
    "trace_output": None,
    "summarize_trace": False,
    "counterfactual_k": 0,
    "counterfactual_replay": 0,
    "output": "json",
}


def run_streamed(options: argparse.Namespace) -> None:
    """Check everything that was given, then simulate while results are written, and print the metrics."""
    from blis.evaluation.steady import steady_rates
    from blis.fitness.original import original_fitness, parse_weights
    from blis.stream import simulate_stream

    log = Log(options.log)
    for name, absent in _WHOLE.items():
        if getattr(options, name) not in (absent, "none"):
            raise InputError(f"--{name.replace('_', '-')} needs the whole run at hand; leave it or --stream out")
    if options.results_path and Path(options.results_path).suffix != ".csv":
        raise InputError(f"--results-path must end in .csv with --stream, got {options.results_path!r}")
    weights = parse_weights(options.fitness_weights) if options.fitness_weights else None
    scenario, workload = chosen_scenario(options, log)
    if any(replica.instance.latency_model.ensemble for replica in scenario.replicas):
        raise InputError("latency_model.ensemble: with --stream one member runs; choose it by --ensemble-member")
    stream = stream_requests(options, workload, log)
    result = simulate_stream(scenario, stream, options.results_path)
    warn_of_what_is_off(scenario, log)
    warn_of_requests(scenario, result.requests, log)
    warn_of_results(result.table, log)
    steady = None if options.warm_up is None else steady_rates(result.requests, result.table, options.warm_up)
    fitness = None if weights is None else original_fitness(result.metrics, weights, original_rules=False)
    report = metrics_report(scenario, result.metrics, fitness) | ({} if steady is None else steady.to_dict())
    print(json.dumps(report, indent=2, allow_nan=False))
