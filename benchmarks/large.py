"""`python -m benchmarks.large`: what a request costs as worlds grow, for docs/performance.md.

From 4 to 256 instances at the same load for each, and from a hundred thousand to ten million requests, as they are
without `--stream` and with it. CPU time, so that others on the machine change little; memory in interpreters of their
own. Takes some minutes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from benchmarks.run import deployed, workload
from benchmarks.timing import python_output, table
from blis.config import Scenario
from blis.engine.run import simulate
from blis.policies.bundle import load_bundle
from blis.scenario import apply_bundle
from blis.workload.draw.generate import generate

INSTANCES = (4, 16, 64, 256)
REQUESTS = 100_000  # whatever the instances, so that tables are as far from the processor
HALF_RATE = 0.5 / 4  # of the default problem's rate, an instance
ROUNDS = 3

#: Parts of a routing policy, by the name of its row.
ROUTINGS = {
    "scorers of queue, KV and running": {
        "policy": "weighted",
        "tie_break": "random",
        "scorers": [
            {"name": "queue-waiting", "weight": 1},
            {"name": "kv-utilization", "weight": 1},
            {"name": "running-requests", "weight": 1},
        ],
    },
    "scorer of load": {"policy": "weighted", "scorers": [{"name": "load-balance", "weight": 1}]},
    "round-robin": {"policy": "round-robin"},
    "power-of-two": {"policy": "power-of-two"},
    "least-loaded": {"policy": "least-loaded"},
    "llm-d-default": None,
    "lmetric": {"policy": "lmetric"},
    "prefix affinity and queue depth": {
        "policy": "weighted",
        "tie_break": "random",
        "scorers": [{"name": "precise-prefix-cache", "weight": 1}, {"name": "queue-depth", "weight": 1}],
    },
}

#: Printed by an interpreter of its own: µs of CPU a request and MB at the peak, metrics and all.
_ONE_RUN = """
import time
from benchmarks.large import {run}
from benchmarks.timing import peak_megabytes

{run}(1000)
start = time.process_time()
peak = peak_megabytes(lambda: {run}({n}))
print((time.process_time() - start) / {n} * 1e6, peak)
"""


def streamed(n: int) -> object:
    """The default problem with so many requests, drawn, simulated and summed up in chunks."""
    from blis.stream import simulate_stream
    from blis.workload.draw.in_chunks import generate_in_chunks

    return simulate_stream(deployed("llm-d-default"), generate_in_chunks(workload(True), 1, n)).metrics


def streamed_on_256_instances(n: int) -> object:
    """The same on 256 of them, each at half the rate."""
    from blis.stream import simulate_stream
    from blis.workload.draw.in_chunks import generate_in_chunks

    scenario = routed("llm-d-default", INSTANCES[-1])
    return simulate_stream(scenario, generate_in_chunks(workload(True), 1, n, HALF_RATE * INSTANCES[-1])).metrics


def whole(n: int) -> object:
    """The same, held all at once."""
    from blis import api

    return api.simulate(deployed("llm-d-default"), generate(workload(True), 1, n)).metrics


def by_requests(run: Callable[[int], object], sizes: list[int]) -> list[list[str]]:
    """A row a number of requests."""
    rows = []
    for n in sizes:
        cpu_us, peak_mb = map(float, python_output(_ONE_RUN.format(run=run.__name__, n=n)).split())
        rows.append(
            [
                run.__name__.replace("_", " "),
                f"{n:,}",
                f"{cpu_us:.2f}",
                f"{peak_mb:,.0f}",
                f"{peak_mb * 2**20 / n:,.0f}",
            ]
        )
    return rows


def routed(name: str, instances: int) -> Scenario:
    """The default problem's cluster, larger, under a routing policy."""
    scenario, routing = deployed("llm-d-default"), ROUTINGS[name]
    if routing is not None:
        scenario = apply_bundle(scenario, load_bundle({"routing": routing}))
    return replace(scenario, cluster=replace(scenario.cluster, instances=instances))


def by_instances() -> list[list[str]]:
    """A row a routing policy: µs of CPU a request at each size, the last over the first, and over the one before."""
    rows = []
    for name in ROUTINGS:
        costs = []
        for instances in INSTANCES:
            requests = generate(workload(True), 1, REQUESTS, HALF_RATE * instances)
            scenario = routed(name, instances)
            seconds = min(_cpu_s(partial(simulate, scenario, requests)) for _ in range(ROUNDS))
            costs.append(seconds / REQUESTS * 1e6)
        ratios = costs[-1] / costs[0], costs[-1] / costs[-2]
        rows.append([name, *(f"{cost:.2f}" for cost in costs), *(f"{ratio:.2f}" for ratio in ratios)])
    return rows


def _cpu_s(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.large", description=__doc__.split("\n")[0])
    parser.add_argument("--most", type=int, default=10_000_000, metavar="N", help="requests; default ten million")
    options = parser.parse_args()
    print(
        table(
            ["µs a request", *map(str, INSTANCES), f"{INSTANCES[-1]} / {INSTANCES[0]}", f"/ {INSTANCES[-2]}"],
            by_instances(),
        )
    )
    sizes = [n for n in (100_000, 1_000_000, 10_000_000) if n <= options.most] or [options.most]
    rows = [*by_requests(whole, sizes[:2]), *by_requests(streamed, sizes)]
    rows += by_requests(streamed_on_256_instances, sizes[-1:])
    print(
        "", table(["default problem", "requests", "µs a request", "MB at the peak", "bytes a request"], rows), sep="\n"
    )


if __name__ == "__main__":
    main()
