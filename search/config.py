"""conf/: where it is, and what is composed from it as dataclasses, each checking its own numbers.

Nothing is looked up here; `settings.py` turns a `Config` into what a search works with.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blis.errors import InputError, check_integer, check_number
from blis.yaml_strict import build, load_mapping
from search.drivers import DRIVERS, driver_options
from search.shifts.worlds import check_shifts
from search.uri import check_uri

#: conf/ stands beside the package in a checkout and inside it in a wheel.
_CONF_FOLDERS = (Path(__file__).parents[1] / "conf", Path(__file__).parent / "conf")


@dataclass(frozen=True)
class RaceSettings:
    """`driver.race`. error: of stopping one that is as good; band: what counts as equally good, in units of fitness."""

    error: float
    band: float

    def __post_init__(self) -> None:
        """Check ranges."""
        check_number("driver.race.error", self.error, 0, 0.5, above=0)
        check_number("driver.race.band", self.band, 0)


@dataclass(frozen=True)
class DriverSettings:
    """Who proposes candidates, and how many (conf/driver/)."""

    name: str
    budget: int
    batch: int
    options: dict[str, Any]
    seconds: float | None = None
    race: RaceSettings | None = None
    journal: str | None = None

    def __post_init__(self) -> None:
        """Check ranges."""
        check_integer("driver.budget", self.budget, 1, 10**8)
        check_integer("driver.batch", self.batch, 1, 10**6)
        driver_options(self.name, self.options)
        if self.seconds is not None:
            check_number("driver.seconds", self.seconds, above=0)
        if self.race is not None and DRIVERS[self.name].pareto:
            raise InputError(f"driver.race must be null for {self.name}: of compromises none is simply worse")
        if self.journal is not None and not DRIVERS[self.name].shares:
            able = ", ".join(name for name in DRIVERS if DRIVERS[name].shares)
            raise InputError(f"driver.journal must be null for {self.name}; those who learn from others: {able}")


@dataclass(frozen=True)
class ParallelSettings:
    """Where simulations run (conf/parallel/)."""

    n_jobs: int
    backend: str
    address: str | None = None

    def __post_init__(self) -> None:
        """Check the range; what there is at the address is found out when it is needed."""
        check_integer("parallel.n_jobs", self.n_jobs, -1, 4096)


@dataclass(frozen=True)
class EvaluationsSettings:
    """What searches share. store: the address of a database of scores."""

    store: str | None = None


@dataclass(frozen=True)
class TrackingSettings:
    """Where runs are compared (conf/tracking/). children: candidates that get a run of their own, at most."""

    enabled: bool
    uri: str
    experiment: str
    children: int = 48

    def __post_init__(self) -> None:
        """Check the address and the experiment, where there is to be one, and the range."""
        if self.enabled:
            check_uri(self.uri)
            if not self.experiment.strip():
                raise InputError("tracking.experiment is empty; to track nothing: tracking=none")
        check_integer("tracking.children", self.children, 0, 10_000)


@dataclass(frozen=True)
class ValidationSettings:
    """How a winner is chosen and proved (default-problem.md section 3)."""

    search_seeds: int
    selection_seeds: int
    report_seeds: int
    finalists: int
    random_policies: int
    tuned_knobs_share: float
    rounding_loss: float
    simplicity_share: float
    worth: float
    explain: bool
    robust: bool
    saving: bool
    shift_seeds: int

    def __post_init__(self) -> None:
        """Check ranges; an interval needs two seeds."""
        one, two = ("search_seeds", "selection_seeds", "finalists"), ("report_seeds", "shift_seeds")
        for key, low in (*((key, 1) for key in one), *((key, 2) for key in two)):
            check_integer(f"validation.{key}", getattr(self, key), low, 10_000)
        check_integer("validation.random_policies", self.random_policies, 0, 10_000)
        check_number("validation.tuned_knobs_share", self.tuned_knobs_share, 0, 1)
        check_number("validation.rounding_loss", self.rounding_loss, 0)
        check_number("validation.simplicity_share", self.simplicity_share, 0, 1)
        check_number("validation.worth", self.worth, 0)


@dataclass(frozen=True)
class Config:
    """conf/config.yaml with all its groups, as composed; mappings are read by those who understand them."""

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
    shifts: tuple[str, ...]
    vary: tuple[str, ...] | None = None
    seeds: tuple[str, ...] = ()
    resume: str | None = None
    evaluations: EvaluationsSettings = EvaluationsSettings()

    def __post_init__(self) -> None:
        """Check the seed and the names of shifts."""
        check_integer("seed", self.seed, 0)
        check_shifts(self.shifts)


def conf_folder() -> Path:
    """Where config.yaml and its groups are."""
    for folder in _CONF_FOLDERS:
        if (folder / "config.yaml").is_file():
            return folder
    raise InputError(f"config.yaml not found in {' or '.join(map(str, _CONF_FOLDERS))}; is the package complete?")


def choices(group: str) -> list[str]:
    """The names of the files of a group of conf/."""
    return sorted(path.stem for path in (conf_folder() / group).glob("*.yaml"))


def default_tracking() -> TrackingSettings:
    """Where searches are tracked unless told otherwise."""
    return build(TrackingSettings, load_mapping(conf_folder() / "tracking" / "mlflow.yaml"))
