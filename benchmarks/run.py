"""`make bench`: how fast the simulator is, measured in one run on this machine.

Prints tables and writes them to docs/benchmarks.md, with a picture beside. Single thread unless said
otherwise, kernels warm, request tables built beforehand.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import matplotlib
import yaml

from benchmarks.timing import ROOT, best_seconds, python_output, table, thread_speedup
from blis.config import Compat, Scenario
from blis.engine.run import simulate
from blis.evaluation.laws import check_laws
from blis.files import write_text
from blis.policies.bundle import load_bundle
from blis.scenario import apply_bundle, load_scenario
from blis.workload.draw.generate import generate
from blis.workload.draw.spec import WorkloadSpec, load_spec
from blis.workload.read.csv_requests import load_requests
from blis.workload.read.traces import TraceSpec, load_trace
from search.application import compose_settings

matplotlib.use("Agg")
from matplotlib import pyplot as plt

REFERENCE = ROOT / "tests/data/reference"
MOONCAKE = ROOT.parent / "shared/traces/mooncake"
PROBLEMS = {
    "round-robin, no shared prefixes": ("round-robin", False),
    "weighted (blis-default), no shared prefixes": ("blis-default", False),
    "default problem (llm-d-default)": ("llm-d-default", True),
}

#: Printed by a fresh interpreter, whose memory nothing else has touched.
PEAK_MEMORY = """
from benchmarks.run import deployed, workload
from benchmarks.timing import peak_megabytes
from blis.engine.run import simulate
from blis.workload.draw.generate import generate
simulate(deployed("round-robin"), generate(workload(False), 1, 1000))
print(peak_megabytes(lambda: simulate(deployed("round-robin"), generate(workload(False), 1, {n}))))
"""


def deployed(policy: str) -> Scenario:
    """The default problem's cluster under a named policy."""
    scenario = load_scenario(ROOT / "conf/cluster/h100x4.yaml")
    return apply_bundle(scenario, load_bundle(ROOT / f"conf/policy/{policy}.yaml"))


def workload(prefixes: bool) -> WorkloadSpec:
    """The default problem's workload, with its shared prefixes or without any."""
    spec = load_spec(ROOT / "conf/workload/chat_prefix.yaml")
    assert spec.population is not None
    share = spec.population.prefix.share if prefixes else 0.0
    return replace(spec, population=replace(spec.population, prefix=replace(spec.population.prefix, share=share)))


def per_request(sizes: list[int]) -> dict[str, list[float]]:
    """µs a request, by problem and number of requests."""
    found = {}
    for title, (policy, prefixes) in PROBLEMS.items():
        scenario, found[title] = deployed(policy), []
        for n in sizes:
            requests = generate(workload(prefixes), 1, n)
            seconds = best_seconds(lambda s=scenario, t=requests: simulate(s, t))  # type: ignore[misc]
            found[title].append(seconds / n * 1e6)
    return found


def recorded_cases() -> list[list[str]]:
    """Every recorded case the engine takes: its size, the original's event loop, ours, and the ratio."""
    rows = []
    for folder in sorted(path.parent for path in REFERENCE.glob("*/expected.yaml")):
        original_s = yaml.safe_load((folder / "expected.yaml").read_text())["original_wall_s"]
        try:
            scenario = load_scenario(folder / "config.yaml")
        except ValueError:
            continue  # it needs a policy that is not available yet
        requests = load_requests(folder / "requests.csv")
        ours_s = best_seconds(lambda s=scenario, t=requests: simulate(s, t, Compat.original()), 0.1)  # type: ignore[misc]
        rows.append(
            [folder.name, str(len(requests)), f"{original_s:.2f}", f"{ours_s * 1e3:.2f}", f"{original_s / ours_s:,.0f}"]
        )
    return rows


def mooncake() -> list[list[str]]:
    """The public Mooncake samples on 8 instances; empty where they are not at hand."""
    rows = []
    for path in sorted(MOONCAKE.glob("*.jsonl")):
        requests = load_trace(TraceSpec(path=str(path)))
        scenario = deployed("llm-d-default")
        scenario = replace(scenario, cluster=replace(scenario.cluster, instances=8))
        seconds = best_seconds(lambda s=scenario, t=requests: simulate(s, t))  # type: ignore[misc]
        rows.append([path.stem, str(len(requests)), f"{seconds * 1e3:.1f}", f"{seconds / len(requests) * 1e6:.2f}"])
    return rows


def one_evaluation(n: int) -> list[list[str]]:
    """Milliseconds of the parts of one (candidate, table) evaluation."""
    problem = compose_settings([f"workload.first={n}", "tracking=none"]).problem
    scenario, requests = apply_bundle(problem.scenario, problem.baseline), problem.table(problem.search_seeds[0])
    result = problem.simulate(scenario, requests)
    outcome = problem.fitness.outcome(scenario, requests, result)
    parts = {
        "simulate": lambda: problem.simulate(scenario, requests),
        "guard laws": lambda: check_laws(scenario, requests, result),
        "scored outcome": lambda: problem.fitness.outcome(scenario, requests, result),
        "fitness": lambda: problem.fitness.compare(outcome, outcome),
    }
    times = {name: best_seconds(work) * 1e3 for name, work in parts.items()}
    times["together"] = sum(times.values())
    return [[name, f"{value:.2f}"] for name, value in times.items()]


def two_threads() -> float:
    """How much faster two threads simulate the default problem than one."""
    requests, scenario = generate(workload(True), 1, 20_000), deployed("llm-d-default")
    return thread_speedup(lambda: simulate(scenario, requests))


def start_up() -> list[list[str]]:
    """Seconds to compile in a fresh copy of the package, and to start again from its cache."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "blis", Path(folder) / "blis", ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("cold compile", "cached start"):
            start = time.perf_counter()
            environment = os.environ | {"PYTHONPATH": folder}
            subprocess.run(
                [sys.executable, "-m", "blis.warm"], check=True, cwd=folder, env=environment, capture_output=True
            )
            rows.append([name, f"{time.perf_counter() - start:.1f}"])
    return rows


def draw(sizes: list[int], times: dict[str, list[float]], cases: list[list[str]], path: Path) -> None:
    """Left: µs a request against the number of requests. Right: times faster than the original."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(13, 6), constrained_layout=True)
    for title, values in times.items():
        left.plot(sizes, values, marker="o", label=title)
    left.set(xscale="log", xlabel="requests", ylabel="µs a request", title="cost of a request", ylim=(0, None))
    left.legend(frameon=False)
    long = [row for row in cases if float(row[2]) >= 1.0]
    right.barh([row[0] for row in long], [float(row[4].replace(",", "")) for row in long])
    right.axvline(1_000, color="black", linewidth=1)
    right.set(xscale="log", xlabel="times faster", title="recorded cases that took the original a second or more")
    for axis in (left, right):
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=80)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000], help="requests a run"
    )
    sizes = parser.parse_args().sizes
    times, cases, traces = per_request(sizes), recorded_cases(), mooncake()
    memory = [[f"{n:,}", python_output(PEAK_MEMORY.format(n=n))] for n in sizes]
    sections = [
        f"# Benchmarks\n\nWritten by `make bench` on {date.today():%-d %B %Y}; every figure of one page comes from one"
        " run on one machine.",
        table(
            ["4 instances, µs a request", *(f"{n:,}" for n in sizes)],
            [[k, *(f"{x:.2f}" for x in v)] for k, v in times.items()],
        ),
        table(["requests", "MB at the peak, interpreter, kernels and imports left out"], memory),
        table(["Mooncake sample, 8 instances", "requests", "ms", "µs a request"], traces) if traces else "",
        table(["one evaluation, 1,000 requests", "ms"], one_evaluation(1_000)),
        table(["one evaluation, 4,000 requests", "ms"], one_evaluation(4_000)),
        f"Two threads simulate the default problem {two_threads():.2f} times as fast as one.",
        table(["start of a process", "s"], start_up()),
        table(["recorded case", "requests", "original s", "ours ms", "ratio"], cases),
        "![cost of a request, and speed against the original](benchmarks.png)",
    ]
    text = "\n\n".join(section for section in sections if section) + "\n"
    draw(sizes, times, cases, ROOT / "docs/benchmarks.png")
    write_text(ROOT / "docs/benchmarks.md", text)
    print(text, end="")


if __name__ == "__main__":
    main()
