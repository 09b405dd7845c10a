"""The settings of a search: a composed configuration with every name resolved and every part checked.

`application.py` composes it, `config.py` says which keys there are; here files are read and objects made.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count
from pathlib import Path
from typing import Any, TypeGuard

from blis.config import Compat, Scenario
from blis.errors import InputError, check_choice, check_integer, check_number
from blis.fitness.make import make_fitness
from blis.latency.plausible import implausible
from blis.policies.bundle import PolicyBundle, load_bundle
from blis.scenario import load_scenario
from blis.workload.draw.arrivals import MAX_REQUESTS
from blis.workload.draw.pools import SEARCH_POOL
from blis.workload.draw.spec import WorkloadSpec, load_spec
from blis.workload.read.traces import TraceSpec, is_trace, trace_spec
from blis.yaml_strict import build, named_source
from search.config import Config, DriverSettings, TrackingSettings, ValidationSettings, choices, conf_folder
from search.problem.aim import AIMS
from search.problem.policy import Policy
from search.problem.problem import Problem
from search.problem.traffic import Drawn, TableKey, Traffic, make_traffic
from search.score_store import ScoreStore
from search.shifts.worlds import worlds
from search.space.codec import check_space
from search.space.incumbent import space_from
from search.space.space import Space, space_from_mapping
from search.uri import shown
from search.workers import Workers

#: What the primary baseline is called with engine knobs that the search tunes: its name and this.
TUNED_KNOBS = "-tuned-knobs"


@dataclass(frozen=True)
class Settings:
    """Everything a search needs, resolved and checked.

    seeds: policies by name that generation 0 holds beside the baselines, and that the search may find the best.
    config: the composed configuration as plain data, without `resume` and secrets. resume: the run folder of an
    earlier search that is continued, then equal to `run_dir`. overrides: what this one of several searches was
    asked for; none of a single one.
    """

    seed: int
    problem: Problem
    space: Space
    primary: str
    baselines: Mapping[str, Policy]
    seeds: Mapping[str, Policy]
    driver: DriverSettings
    workers: Workers
    tracking: TrackingSettings
    validation: ValidationSettings
    shifts: tuple[str, ...]
    run_dir: Path
    config: Mapping[str, Any]
    resume: Path | None = None
    overrides: tuple[str, ...] = ()
    scores: ScoreStore | None = None

    @property
    def given(self) -> dict[str, Policy]:
        """The policies that generation 0 holds, by name: baselines, then seeds."""
        return {**self.baselines, **self.seeds}

    def pool(self, name: str, n: int) -> tuple[TableKey, ...]:
        """The keys of a pool's tables."""
        return self.problem.traffic.pool(name, n)


def make_settings(mapping: Mapping[str, Any], run_dir: Path) -> Settings:
    """Settings from a composed configuration. Raises InputError with the key for anything that is wrong.

    Paths are made absolute first, so that what a run folder holds is found from everywhere.
    """
    mapping = _with_absolute_paths(mapping)
    config = build(Config, mapping)
    bundles = _baselines(config)
    primary = _bundle_name(config.primary)
    problem = _problem(config, bundles[primary])
    space = _space(config, problem)
    check_space(space, problem.against.scenario, problem.rates)
    resume = None if config.resume is None else Path(absolute(config.resume)).resolve()
    return Settings(
        seed=config.seed,
        problem=problem,
        space=space,
        primary=primary,
        baselines={name: problem.policy(bundle) for name, bundle in bundles.items()},
        seeds=_seeds(config, problem, bundles),
        driver=config.driver,
        workers=Workers(config.parallel.n_jobs, config.parallel.backend, config.parallel.address),
        tracking=config.tracking,
        validation=config.validation,
        shifts=config.shifts,
        run_dir=resume or run_dir,
        config=_kept(mapping),
        resume=resume,
        scores=None if config.evaluations.store is None else ScoreStore(config.evaluations.store),
    )


def _with_absolute_paths(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with absolute paths of files that are read anew when a run is resumed or run again."""
    changed = dict(mapping)
    workload, primary, driver = changed.get("workload"), changed.get("primary"), changed.get("driver")
    if isinstance(driver, Mapping) and isinstance(driver.get("journal"), str):
        changed["driver"] = {**driver, "journal": absolute(driver["journal"])}
    if isinstance(workload, Mapping) and isinstance(workload.get("path"), str) and workload["path"]:
        changed["workload"] = {**workload, "path": absolute(workload["path"])}
    for key in ("baselines", "seeds"):
        if isinstance(names := changed.get(key), list):
            changed[key] = [absolute(name) if _is_bundle_path(name) else name for name in names]
    if _is_bundle_path(primary):
        changed["primary"] = absolute(primary)
    return changed


def absolute(path: str) -> str:
    """The same file from everywhere. Raises InputError for the home folder of nobody."""
    try:
        return str(Path(path).expanduser().absolute())
    except RuntimeError as error:
        raise InputError(f"{path!r}: {error}") from None


def _kept(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """A composed configuration as files keep it: without what says which search goes on, and without secrets.

    A search that starts from no policy has neither `from` nor `vary`, as it was before there were these keys.
    """
    tracking = {**mapping["tracking"], "uri": shown(mapping["tracking"]["uri"])}
    kept = {key: value for key, value in {**mapping, "tracking": tracking}.items() if key != "resume"}
    if store := mapping.get("evaluations", {}).get("store"):
        kept["evaluations"] = {"store": shown(store)}
    if kept.get("vary") is None:
        kept.pop("vary", None)
        kept["search_space"] = {key: value for key, value in kept["search_space"].items() if key != "from"}
    return kept


def _baselines(config: Config) -> dict[str, PolicyBundle]:
    """The baselines by name; the primary one is among them, and the budget leaves room for candidates."""
    names = list(config.baselines)
    if _is_bundle_path(config.primary) and Path(config.primary).resolve() not in map(_bundle_file, names):
        names.insert(0, config.primary)
    bundles = {_bundle_name(name): load_bundle(_bundle_file(name)) for name in names}
    primary = _bundle_name(config.primary)
    check_choice("primary", primary, bundles)
    if (taken := primary + TUNED_KNOBS) in bundles:
        raise InputError(f"baselines: {taken!r} is the name of what the search makes of {primary!r}; rename it")
    if len(bundles) < len(names):
        raise InputError(f"baselines: two have the same name in {', '.join(names)}")
    if config.driver.budget <= (given := len(bundles) + len(config.seeds)):
        told = "baselines and seeds" if config.seeds else "baselines"
        raise InputError(f"driver.budget must be above the {given} {told}, got {config.driver.budget}")
    return bundles


def _seeds(config: Config, problem: Problem, taken: Collection[str]) -> dict[str, Policy]:
    """The seeds by name; one whose name a baseline or an earlier seed has gets a number. Raises InputError."""
    found: dict[str, Policy] = {}
    for given in config.seeds:
        stem = _bundle_name(given)
        names = chain([stem], (f"{stem}-{n}" for n in count(2)))
        with named_source("seeds"):
            bundle = load_bundle(_bundle_file(given, "seed"))
            with named_source(given):
                policy = problem.policy(bundle)
        found[next(name for name in names if name not in taken and name not in found)] = policy
    return found


def _is_bundle_path(name: object) -> TypeGuard[str]:
    """Whether a baseline is given by its file, not by a name in conf/policy/."""
    return isinstance(name, str) and name.endswith((".yaml", ".yml"))


def _bundle_name(name: str) -> str:
    """What a baseline is called: by its file's name, if it is given by its file."""
    return Path(name).stem if _is_bundle_path(name) else name


def _bundle_file(name: str, kind: str = "baseline") -> Path:
    """The file of a baseline, or of what else is said to be given."""
    if _is_bundle_path(name):
        return Path(name).resolve()
    check_choice(kind, name, choices("policy"))
    return (conf_folder() / "policy" / f"{name}.yaml").resolve()


def _problem(config: Config, baseline: PolicyBundle) -> Problem:
    """The question that is asked, against a baseline."""
    traffic, wanted = make_traffic(_workload(config.workload)), dict(config.fitness)
    aim = wanted.pop("robust", None)
    scenario, fitness = traffic.sized(load_scenario(config.cluster)), make_fitness(wanted)
    _check_latency_models(scenario, traffic)
    problem = Problem(scenario, traffic, fitness, baseline, traffic.pool(SEARCH_POOL, config.validation.search_seeds))
    return problem if aim is None else _robust(problem, aim, config.shifts)


def _robust(problem: Problem, aim: str, shifts: Sequence[str]) -> Problem:
    """The question over all worlds that these shifts give. Raises InputError if there is none, or no such aim."""
    check_choice("fitness.robust", aim, AIMS)
    found = worlds(problem, shifts)
    if not found.problems:
        why = "; ".join(f"{name}: {reason}" for name, reason in found.left_out.items()) or "there is none in `shifts`"
        raise InputError(f"fitness.robust: {aim} needs a shift of the world that is possible here: {why}")
    return replace(problem, worlds=found.problems, aim=aim)


def _space(config: Config, problem: Problem) -> Space:
    """The search space; around the primary baseline, if it says so.

    Candidates have what the space does not name from the primary, so that no other policy can be started from.
    """
    values = dict(config.search_space)
    start = values.pop("from", None)
    space = space_from_mapping(values)
    if start is None and config.vary is None:
        return space
    if start is None or config.vary is None:
        raise InputError("search_space.from and vary go together: a baseline to start from, and what of it may change")
    primary = _bundle_name(config.primary)
    if _bundle_name(start) != primary:
        raise InputError(f"search_space.from must be the primary baseline, {primary!r}, got {start!r}")
    return space_from(space, problem.against, config.vary, problem.rates)


def _check_latency_models(scenario: Scenario, traffic: Traffic) -> None:
    """Raise InputError for models that are faster than their GPUs can be, and for ensembles on one table alone."""
    for model in {id(one): one for one in (replica.instance.latency_model for replica in scenario.replicas)}.values():
        flaw = "" if model.allow_implausible else implausible(model, Compat())
        if flaw:
            raise InputError(f"cluster: latency_model: {flaw}; allow_implausible: true searches all the same")
        if model.ensemble and not isinstance(traffic, Drawn):
            raise InputError("cluster: latency_model.ensemble needs a workload that is drawn: a trace is one sample")


def _workload(mapping: Mapping[str, Any]) -> WorkloadSpec | TraceSpec:
    """A trace, or a specification with `rate_scale` and `first` folded in, so that it alone says what is generated.

    `first` wins over `num_requests`; a trace takes either.
    """
    values = dict(mapping)
    first = values.pop("first", None)
    if first is not None:
        check_integer("workload.first", first, 1, MAX_REQUESTS)
    if is_trace(mapping):
        number = values.pop("num_requests", None) or None  # 0 = all
        return trace_spec({**values, "first": first or number})
    rate_scale = values.pop("rate_scale", 1.0)
    spec = load_spec(values)
    check_number("workload.rate_scale", rate_scale, above=0)
    return replace(spec, aggregate_rate=spec.aggregate_rate * rate_scale, num_requests=first or spec.num_requests)
