"""The settings of a search: a composed configuration with every name resolved and every part checked.

`application.py` composes it, `config.py` says which keys there are; here files are read and objects made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from blis.errors import InputError, check_choice, check_integer, check_number
from blis.fitness.make import make_fitness
from blis.policies.bundle import PolicyBundle, load_bundle
from blis.scenario import load_scenario
from blis.workload.draw.pools import SEARCH_POOL
from blis.workload.draw.spec import WorkloadSpec, load_spec
from blis.workload.read.traces import TraceSpec, is_trace, trace_spec
from blis.yaml_strict import build
from search.config import Config, DriverSettings, TrackingSettings, ValidationSettings, choices, conf_folder
from search.problem.policy import Policy
from search.problem.problem import Problem
from search.problem.traffic import TableKey, make_traffic
from search.space.codec import check_space
from search.space.space import Space, space_from_mapping
from search.uri import shown
from search.workers import Workers


@dataclass(frozen=True)
class Settings:
    """Everything a search needs, resolved and checked.

    config: the composed configuration as plain data, without `resume` and secrets. resume: the run folder of an
    earlier search that is continued, then equal to `run_dir`. overrides: what this one of several searches was
    asked for; none of a single one.
    """

    seed: int
    problem: Problem
    space: Space
    primary: str
    baselines: Mapping[str, Policy]
    driver: DriverSettings
    workers: Workers
    tracking: TrackingSettings
    validation: ValidationSettings
    run_dir: Path
    config: Mapping[str, Any]
    resume: Path | None = None
    overrides: tuple[str, ...] = ()

    def pool(self, name: str, n: int) -> tuple[TableKey, ...]:
        """The keys of a pool's tables."""
        return self.problem.traffic.pool(name, n)


def make_settings(mapping: Mapping[str, Any], run_dir: Path) -> Settings:
    """Settings from a composed configuration. Raises InputError with the key for anything that is wrong."""
    config = build(Config, mapping)
    bundles = _baselines(config)
    problem = _problem(config, bundles[config.primary])
    space = space_from_mapping(config.search_space)
    check_space(space, problem.scenario, problem.rates)
    resume = Path(config.resume).resolve() if config.resume else None
    return Settings(
        seed=config.seed,
        problem=problem,
        space=space,
        primary=config.primary,
        baselines={name: problem.policy(bundle) for name, bundle in bundles.items()},
        driver=config.driver,
        workers=Workers(config.parallel.n_jobs, config.parallel.backend),
        tracking=config.tracking,
        validation=config.validation,
        run_dir=resume or run_dir,
        config=_kept(mapping),
        resume=resume,
    )


def _kept(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """A composed configuration as files keep it: without what says which search goes on, and without secrets."""
    tracking = {**mapping["tracking"], "uri": shown(mapping["tracking"]["uri"])}
    return {key: value for key, value in {**mapping, "tracking": tracking}.items() if key != "resume"}


def _baselines(config: Config) -> dict[str, PolicyBundle]:
    """The baselines by name; the primary one is among them, and the budget leaves room for candidates."""
    bundles = {Path(name).stem: load_bundle(_bundle_path(name)) for name in config.baselines}
    check_choice("primary", config.primary, bundles)
    if len(bundles) < len(config.baselines):
        raise InputError(f"baselines: two have the same name in {', '.join(config.baselines)}")
    if config.driver.budget <= len(bundles):
        raise InputError(f"driver.budget must be above the {len(bundles)} baselines, got {config.driver.budget}")
    return bundles


def _bundle_path(name: str) -> Path:
    """The file of a baseline: a path if it looks like one, else a name in conf/policy/."""
    if name.endswith((".yaml", ".yml")):
        return Path(name)
    check_choice("baseline", name, choices("policy"))
    return conf_folder() / "policy" / f"{name}.yaml"


def _problem(config: Config, baseline: PolicyBundle) -> Problem:
    """The question that is asked, against a baseline."""
    traffic = make_traffic(_workload(config.workload))
    scenario, fitness = traffic.sized(load_scenario(config.cluster)), make_fitness(config.fitness)
    return Problem(scenario, traffic, fitness, baseline, traffic.pool(SEARCH_POOL, config.validation.search_seeds))


def _workload(mapping: Mapping[str, Any]) -> WorkloadSpec | TraceSpec:
    """A trace, or a specification with `rate_scale` and `first` folded in, so that it alone says what is generated."""
    if is_trace(mapping):
        return trace_spec(mapping)
    values = dict(mapping)
    rate_scale, first = values.pop("rate_scale", 1.0), values.pop("first", None)
    spec = load_spec(values)
    check_number("workload.rate_scale", rate_scale, above=0)
    if first is not None:
        check_integer("workload.first", first, 1)
    return replace(spec, aggregate_rate=spec.aggregate_rate * rate_scale, num_requests=first or spec.num_requests)
