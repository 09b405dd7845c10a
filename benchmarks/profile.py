"""`python -m benchmarks.profile`: where the time of one default evaluation goes, for docs/performance.md.

All kernels are inlined into one function, so no profiler sees inside: what the control plane costs without
any engine is measured by refusing every request, and the rest of the kernel is spread over its steps.
"""

from __future__ import annotations

from dataclasses import replace

from benchmarks.timing import best_seconds, table
from blis.config import Compat
from blis.engine.build.outcome import collect
from blis.engine.build.state import encode
from blis.engine.run import resume, simulate
from blis.evaluation.laws import check_laws
from blis.scenario import apply_bundle
from search.application import compose_settings


def main() -> None:
    """Measure and print."""
    problem = compose_settings(["tracking=none"]).problem
    scenario = apply_bundle(problem.scenario, problem.baseline)
    refusing = replace(
        scenario, cluster=replace(scenario.cluster, admission=replace(scenario.cluster.admission, policy="reject-all"))
    )
    requests = problem.table(problem.search_seeds[0])
    result = simulate(scenario, requests)
    outcome = problem.fitness.outcome(scenario, requests, result)
    state = encode(scenario, requests, Compat())
    resume(state)
    work = {
        "simulate": lambda: simulate(scenario, requests),
        "  with every request refused": lambda: simulate(refusing, requests),
        "  arrays of a run": lambda: encode(scenario, requests, Compat()),
        "  result table": lambda: collect(*state.results(), scenario, requests, Compat()),
        "guard laws": lambda: check_laws(scenario, requests, result),
        "scored outcome": lambda: problem.fitness.outcome(scenario, requests, result),
        "fitness": lambda: problem.fitness.compare(replace(outcome), outcome),  # a candidate's: nothing of it is known
    }
    microseconds = {name: best_seconds(call) * 1e6 for name, call in work.items()}
    print(table([f"{len(requests)} requests", "µs", "µs a request"], [
        [name, f"{value:.0f}", f"{value / len(requests):.3f}"] for name, value in microseconds.items()
    ]))  # fmt: skip
    steps = int(result.instances["steps"].sum())
    engine_us = microseconds["simulate"] - microseconds["  with every request refused"]
    print(f"\n{steps} steps, {steps / len(requests):.1f} a request, {engine_us / steps * 1e3:.0f} ns each")


if __name__ == "__main__":
    main()
