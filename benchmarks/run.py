"""`make bench`: how fast the simulator is, measured in one run on this machine.

Prints a table and writes it to outputs/benchmarks.md. Times are the best of several runs (the machine's
noise only ever adds), single thread, kernels warm, request tables built beforehand.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import yaml

from blis.config import Compat, Scenario
from blis.engine.run import simulate
from blis.files import write_text
from blis.policies.bundle import load_bundle
from blis.scenario import apply_bundle, load_scenario
from blis.workload.csv_requests import load_requests
from blis.workload.generate import generate
from blis.workload.spec import load_spec

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "tests/data/reference"


def best_seconds(work: Callable[[], object], budget_s: float = 0.5) -> float:
    """The shortest of the runs that fit in the budget, at least three."""
    times: list[float] = []
    while len(times) < 3 or sum(times) < budget_s:
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def reference_cases() -> list[str]:
    """Every recorded case the engine takes, against the wall time of the original's event loop."""
    lines = ["| recorded case | requests | original s | ours ms | ratio |", "|---|---|---|---|---|"]
    for folder in sorted(path.parent for path in REFERENCE.glob("*/expected.yaml")):
        recorded = yaml.safe_load((folder / "expected.yaml").read_text())
        try:
            scenario = load_scenario(folder / "config.yaml")
        except ValueError:
            continue  # a policy that is not available yet
        table = load_requests(folder / "requests.csv")
        if not recorded["original_wall_s"]:
            continue
        compat = Compat.original()
        seconds = best_seconds(lambda s=scenario, t=table, c=compat: simulate(s, t, c), 0.1)  # type: ignore[misc]
        ratio = recorded["original_wall_s"] / seconds
        lines.append(
            f"| {folder.name} | {len(table)} | {recorded['original_wall_s']:.2f} | {seconds * 1e3:.2f} | {ratio:,.0f} |"
        )
    return lines


def per_request(sizes: list[int]) -> list[str]:
    """µs a request on the default problem's cluster, with its workload and with one without prefixes."""
    lines = [
        "| 4 instances, µs a request | " + " | ".join(f"{n:,}" for n in sizes) + " |",
        "|---" * (len(sizes) + 1) + "|",
    ]
    scenario = load_scenario(ROOT / "conf/cluster/h100x4.yaml")
    spec = load_spec(ROOT / "conf/workload/chat_prefix.yaml")
    if spec.population is None:
        raise SystemExit("conf/workload/chat_prefix.yaml has no population")
    plain = replace(spec, population=replace(spec.population, prefix=replace(spec.population.prefix, share=0.0)))
    for title, policy, workload in (
        ("round-robin, no prefixes", "round-robin", plain),
        ("weighted (blis-default), no prefixes", "blis-default", plain),
        ("default problem (llm-d-default)", "llm-d-default", spec),
    ):
        deployed: Scenario = apply_bundle(scenario, load_bundle(ROOT / f"conf/policy/{policy}.yaml"))
        cells = []
        for n in sizes:
            table = generate(workload, 1, n)
            seconds = best_seconds(lambda s=deployed, t=table: simulate(s, t))  # type: ignore[misc]
            cells.append(f"{seconds / n * 1e6:.2f}")
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return lines


def start_up() -> list[str]:
    """Seconds to import and compile in a fresh copy of the package, and to start again from its cache."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "blis", Path(folder) / "blis", ignore=shutil.ignore_patterns("__pycache__"))
        environment = os.environ | {"PYTHONPATH": folder}
        seconds = []
        for _ in range(2):
            start = time.perf_counter()
            subprocess.run(
                [sys.executable, "-m", "blis.warm"], check=True, cwd=folder, env=environment, capture_output=True
            )
            seconds.append(time.perf_counter() - start)
    return [
        "| start of a process | s |",
        "|---|---|",
        f"| cold compile | {seconds[0]:.1f} |",
        f"| cached | {seconds[1]:.1f} |",
    ]


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000], help="requests a run")
    sizes = parser.parse_args().sizes
    text = "\n".join([*per_request(sizes), "", *reference_cases(), "", *start_up()]) + "\n"
    print(text, end="")
    write_text(ROOT / "outputs/benchmarks.md", text)


if __name__ == "__main__":
    main()
