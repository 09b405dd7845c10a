"""The settings of a search: conf/ as plain, checked dataclasses, with every name resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from blis.errors import InputError, check_choice, check_integer, check_number
from blis.fitness.make import make_fitness
from blis.policies.bundle import load_bundle
from blis.scenario import load_scenario
from blis.workload.draw.pools import SEARCH_POOL
from blis.workload.draw.spec import WorkloadSpec, load_spec
from blis.workload.read.traces import TraceSpec, is_trace, trace_spec
from blis.yaml_strict import build, load_mapping
from search.drivers import driver_options
from search.problem.policy import Policy
from search.problem.problem import Problem
from search.problem.traffic import TableKey, make_traffic
from search.space.codec import check_space
from search.space.space import Space, space_from_mapping
from search.workers import Workers

#: conf/ stands beside the package in a checkout and inside it in a wheel.
_CONF_FOLDERS = (Path(__file__).parents[1] / "conf", Path(__file__).parent / "conf")


@dataclass(frozen=True)
class DriverSettings:
    """Who proposes candidates, and how many (conf/driver/)."""

    name: str
    budget: int
    batch: int
    options: dict[str, Any]
    seconds: float | None = None

    def __post_init__(self) -> None:
        """Check ranges."""
        check_integer("driver.budget", self.budget, 1)
        check_integer("driver.batch", self.batch, 1)
        driver_options(self.name, self.options)
        if self.seconds is not None:
            check_number("driver.seconds", self.seconds, above=0)


@dataclass(frozen=True)
class ParallelSettings:
    """Where simulations run (conf/parallel/)."""

    n_jobs: int
    backend: str


@dataclass(frozen=True)
class TrackingSettings:
    """Where runs are compared (conf/tracking/)."""

    enabled: bool
    uri: str
    experiment: str


@dataclass(frozen=True)
class ValidationSettings:
    """How a winner is chosen and proved (default-problem.md section 3)."""

    search_seeds: int
    selection_seeds: int
    report_seeds: int
    finalists: int
    random_policies: int
    rounding_loss: float
    worth: float

    def __post_init__(self) -> None:
        """Check ranges; an interval needs two report seeds."""
        for key, low in (("search_seeds", 1), ("selection_seeds", 1), ("report_seeds", 2), ("finalists", 1)):
            check_integer(f"validation.{key}", getattr(self, key), low)
        check_integer("validation.random_policies", self.random_policies, 0)
        check_number("validation.rounding_loss", self.rounding_loss, 0)
        check_number("validation.worth", self.worth, 0)


@dataclass(frozen=True)
class Config:
    """conf/config.yaml with all its groups, as composed."""

    seed: int
    primary: str
    baselines: tuple[str, ...]
    cluster: dict[str, Any]
    workload: dict[str, Any]
    fitness: dict[str, Any]
    search_space: dict[str, Any]
    driver: DriverSettings
    parallel: ParallelSettings
    tracking: TrackingSettings
    validation: ValidationSettings
    resume: str | None = None

    def __post_init__(self) -> None:
        """Check the seed."""
        check_integer("seed", self.seed, 0)


@dataclass(frozen=True)
class Settings:
    """Everything a search needs, resolved and checked.

    config: the composed configuration as plain data, without `resume`. resume: the run folder of an earlier
    search that is continued, then equal to `run_dir`.
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

    def pool(self, name: str, n: int) -> tuple[TableKey, ...]:
        """The keys of a pool's tables."""
        return self.problem.traffic.pool(name, n)


def make_settings(mapping: Mapping[str, Any], run_dir: Path) -> Settings:
    """Settings from a composed configuration. Raises InputError with the key for anything that is wrong."""
    config = build(Config, mapping)
    bundles = {Path(name).stem: load_bundle(_bundle_path(name)) for name in config.baselines}
    check_choice("primary", config.primary, bundles)
    if len(bundles) < len(config.baselines):
        raise InputError(f"baselines: two have the same name in {', '.join(config.baselines)}")
    if config.driver.budget <= len(bundles):
        raise InputError(f"driver.budget must be above the {len(bundles)} baselines, got {config.driver.budget}")
    traffic = make_traffic(_workload(config.workload))
    problem = Problem(
        traffic.sized(load_scenario(config.cluster)),
        traffic,
        make_fitness(config.fitness),
        bundles[config.primary],
        traffic.pool(SEARCH_POOL, config.validation.search_seeds),
    )
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
        config={key: value for key, value in mapping.items() if key != "resume"},
        resume=resume,
    )


def default_tracking() -> TrackingSettings:
    """Where searches are tracked unless told otherwise."""
    return build(TrackingSettings, load_mapping(conf_folder() / "tracking" / "mlflow.yaml"))


def choices(group: str) -> list[str]:
    """The names of the files of a group of conf/."""
    return sorted(path.stem for path in (conf_folder() / group).glob("*.yaml"))


def conf_folder() -> Path:
    """Where config.yaml and its groups are."""
    for folder in _CONF_FOLDERS:
        if (folder / "config.yaml").is_file():
            return folder
    raise InputError(f"config.yaml not found in {' or '.join(map(str, _CONF_FOLDERS))}; is the package complete?")


def _bundle_path(name: str) -> Path:
    """The file of a baseline: a path if it looks like one, else a name in conf/policy/."""
    if name.endswith((".yaml", ".yml")):
        return Path(name)
    check_choice("baseline", name, choices("policy"))
    return conf_folder() / "policy" / f"{name}.yaml"


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


def flat_keys(mapping: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """Nested mappings as one, with dotted keys."""
    found: dict[str, Any] = {}
    for key, value in mapping.items():
        name = f"{path}.{key}" if path else str(key)
        found.update(flat_keys(value, name) if isinstance(value, Mapping) else {name: value})
    return found
