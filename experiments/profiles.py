"""What every switch of an engine changes, alone and all together, for the primary baseline (docs/engine-profiles.md).

    python -m experiments.profiles                        the default problem, under a minute
    python -m experiments.profiles experiment=overload    any override of the main job

Eight tables that no search sees; the numbers are means over them. The page goes to outputs/experiments/profiles/.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import fields, replace
from statistics import fmean
from typing import Any

from blis.config import PROFILES, Engine
from blis.errors import InputError
from blis.evaluation.distribution import US_PER_MS
from blis.evaluation.raw_metrics import raw_metrics
from blis.files import write_text
from blis.tables.results import ResultTable
from blis.workload.draw.generate import generate
from blis.workload.draw.pools import pool_seed
from experiments.page import FOLDER, markdown_table
from search.application import EXIT_INPUT, EXIT_OK, compose_settings
from search.problem.problem import Problem

POOL = "profiles"
TABLES = 8
HEADER = ("engine", "TTFT p99 ms", "E2E mean ms", "preemptions", "tokens/s")


def engines() -> dict[str, Engine]:
    """The first profile, what the latest one switches on, each alone, and all of that together."""
    latest = PROFILES["vllm-2026"]
    switches = [field.name for field in fields(Engine) if getattr(latest, field.name) is True]
    return {
        "original": PROFILES["original"],
        **{name: _with(name) for name in switches},
        "vllm-2026": latest,
    }


def _with(switch: str) -> Engine:
    one: dict[str, Any] = {switch: True}
    return Engine(**one)


def on(problem: Problem, engine: Engine) -> Problem:
    """The problem on instances with another engine, in every pool."""
    scenario = problem.scenario
    pools = tuple(replace(pool, engine=None) for pool in scenario.pools)
    scenario = replace(scenario, instance=replace(scenario.instance, engine=engine), pools=pools)
    return replace(problem, scenario=scenario, _tables={})


def effect(problem: Problem, engine: Engine) -> tuple[float, ...]:
    """Means over the tables of what `HEADER` names, for the primary baseline."""
    scenario = on(problem, engine).against.scenario
    seeds = [pool_seed(problem.workload.seed, POOL, i) for i in range(TABLES)]
    found = [_numbers(problem.simulate(scenario, generate(problem.workload, seed))) for seed in seeds]
    return tuple(map(fmean, zip(*found, strict=True)))


def _numbers(result: ResultTable) -> tuple[float, ...]:
    raw = raw_metrics(result)
    preemptions = float(result.instances["preemptions"].sum())
    return raw.ttft_us.p99 / US_PER_MS, raw.e2e_us.mean / US_PER_MS, preemptions, raw.tokens_per_s


def page(effects: Mapping[str, tuple[float, ...]]) -> str:
    """The table."""
    return markdown_table(HEADER, [(name, *(f"{value:,.0f}" for value in found)) for name, found in effects.items()])


def main(overrides: list[str]) -> int:
    """Print the table and keep it."""
    try:
        problem = compose_settings(overrides).problem
        found = page({name: effect(problem, engine) for name, engine in engines().items()})
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_INPUT
    write_text(FOLDER / POOL / f"{POOL}.md", found + "\n")
    print(found)
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
