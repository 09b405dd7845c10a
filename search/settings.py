"""The one module that knows Hydra: a composed configuration becomes plain, checked dataclasses.

`launch` runs a job for every composed configuration (one, or all of a multirun); `compose_settings` gives
the settings without running anything.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from blis.errors import InputError, check_choice, check_integer, check_number, unknown_name
from blis.fitness import make_fitness
from blis.policies.bundle import PolicyBundle, load_bundle
from blis.scenario import load_scenario
from blis.workload.pools import SEARCH_POOL
from blis.workload.spec import WorkloadSpec, load_spec
from blis.workload.traces import TraceSpec, is_trace, trace_spec
from blis.yaml_strict import build, load_mapping
from search.codec import check_space
from search.drivers import driver_options
from search.problem import Problem
from search.space import Space, space_from_mapping
from search.traffic import TableKey, make_traffic
from search.workers import Workers

EXIT_OK, EXIT_FAILURE, EXIT_INPUT, EXIT_INTERRUPTED = 0, 1, 2, 130

MULTIRUN = ("-m", "--multirun")

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
    baselines: Mapping[str, PolicyBundle]
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
    baselines = {Path(name).stem: load_bundle(_bundle_path(name)) for name in config.baselines}
    check_choice("primary", config.primary, baselines)
    if len(baselines) < len(config.baselines):
        raise InputError(f"baselines: two have the same name in {', '.join(config.baselines)}")
    if config.driver.budget <= len(baselines):
        raise InputError(f"driver.budget must be above the {len(baselines)} baselines, got {config.driver.budget}")
    traffic = make_traffic(_workload(config.workload))
    problem = Problem(
        traffic.sized(load_scenario(config.cluster)),
        traffic,
        make_fitness(config.fitness),
        baselines[config.primary],
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
        baselines=baselines,
        driver=config.driver,
        workers=Workers(config.parallel.n_jobs, config.parallel.backend),
        tracking=config.tracking,
        validation=config.validation,
        run_dir=resume or run_dir,
        config={key: value for key, value in mapping.items() if key != "resume"},
        resume=resume,
    )


def compose_settings(overrides: Sequence[str], run_dir: Path = Path("outputs")) -> Settings:
    """The settings that `python -m search <overrides>` would run with. Raises InputError for whatever is wrong."""
    with hydra.initialize_config_dir(str(_conf_folder()), version_base="1.3"):
        try:
            composed = _plain(hydra.compose("config", list(overrides)))
        except (HydraException, OmegaConfBaseException) as error:
            raise InputError(_one_line(error)) from None
    return make_settings(composed, run_dir)


def default_tracking() -> TrackingSettings:
    """Where searches are tracked unless told otherwise."""
    return build(TrackingSettings, load_mapping(_conf_folder() / "tracking" / "mlflow.yaml"))


def launch(job: Callable[[Settings], int]) -> int:
    """Run `job` for every configuration that the command line composes; the highest of their exit codes.

    Wrong input gives one line on stderr and EXIT_INPUT; its run folder is not left behind. A job that was
    interrupted (EXIT_INTERRUPTED) ends a multirun.
    """
    codes = [EXIT_OK]

    def run(composed: DictConfig) -> None:
        run_dir = Path(HydraConfig.get().runtime.output_dir)
        try:
            codes.append(job(make_settings(_plain(composed), run_dir)))
        except (InputError, OmegaConfBaseException) as error:
            codes.append(_complain(error))
        finally:
            with suppress(OSError):  # not empty: it holds results
                run_dir.rmdir()
        if codes[-1] == EXIT_INTERRUPTED:  # Hydra would go on with the next job
            raise KeyboardInterrupt

    # Hydra prints errors in several lines of its own and exits with 1, unless asked for the full error:
    # then it raises them, and they come out here like all others.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    sys.argv[1:] = _multirun_first(sys.argv[1:])
    try:
        hydra.main(config_path=str(_conf_folder()), config_name="config", version_base="1.3")(run)()
    except (HydraException, OmegaConfBaseException) as error:
        codes.append(_complain(error))
    except KeyboardInterrupt:
        codes.append(EXIT_INTERRUPTED)
    return max(codes)


def _multirun_first(arguments: Sequence[str]) -> list[str]:
    """The command line with -m at its start: Hydra's parser takes no override after an option that others precede."""
    others = [argument for argument in arguments if argument not in MULTIRUN]
    return others if len(others) == len(arguments) else [MULTIRUN[0], *others]


def choices(group: str) -> list[str]:
    """The names of the files of a group of conf/."""
    return sorted(path.stem for path in (_conf_folder() / group).glob("*.yaml"))


def _conf_folder() -> Path:
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
    return _conf_folder() / "policy" / f"{name}.yaml"


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


def _plain(composed: DictConfig) -> dict[str, Any]:
    """A composed configuration with interpolations resolved, as plain data."""
    container = OmegaConf.to_container(composed, resolve=True, throw_on_missing=True)
    assert isinstance(container, dict)
    return {str(key): value for key, value in container.items()}


def _complain(error: Exception) -> int:
    """Say what is wrong in one line on stderr."""
    print(f"error: {_one_line(error)}", file=sys.stderr)
    return EXIT_INPUT


def _one_line(error: Exception) -> str:
    """The message of an error; Hydra's are cut to what the user can act on."""
    cause = error.__cause__ if isinstance(error.__cause__, OmegaConfBaseException) else error
    key, parent = getattr(cause, "full_key", None), getattr(cause, "parent_node", None)
    if "not in struct" in str(cause) and isinstance(parent, DictConfig):
        return str(unknown_name("key", key, [_sibling(str(key), str(name)) for name in parent]))
    useful = str(error).split("\nConfig search path")[0].split("\nSee https")[0]
    if cause is not error:
        useful += f": {cause}".split("\n    full_key")[0]
    return " ".join(useful.split())


def _sibling(full_key: str, name: str) -> str:
    """The full key of another key in the same mapping."""
    parents, dot, _ = full_key.rpartition(".")
    return parents + dot + name
