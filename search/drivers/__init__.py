"""The optimizers by name: one file each, one line here, one file in conf/driver/."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blis.errors import check_choice
from blis.yaml_strict import build
from search.drivers.base import Driver, SeededDriver
from search.drivers.cmaes_mixed import CovarianceMatrixAdaptation
from search.drivers.deap_ga import GeneticAlgorithm
from search.drivers.deap_mu_plus_lambda import EvolutionStrategy
from search.drivers.deap_nsga2 import NSGA2
from search.drivers.optuna_tpe import TreeParzenEstimator
from search.drivers.random_search import RandomSearch
from search.space.space import Genome, Space

DRIVERS: dict[str, type[SeededDriver]] = {
    "cmaes": CovarianceMatrixAdaptation,
    "deap_ga": GeneticAlgorithm,
    "deap_mu_plus_lambda": EvolutionStrategy,
    "deap_nsga2": NSGA2,
    "optuna_tpe": TreeParzenEstimator,
    "random": RandomSearch,
}


def make_driver(name: str, space: Space, seeds: Sequence[Genome], seed: int, options: Mapping[str, object]) -> Driver:
    """A driver at its start. Raises InputError for an unknown name or option."""
    built = driver_options(name, options)
    return DRIVERS[name](space, seeds, seed, built)


def driver_options(name: str, options: Mapping[str, object]) -> Any:
    """The checked options of a driver. Raises InputError for an unknown name or option."""
    check_choice("driver.name", name, DRIVERS)
    return build(DRIVERS[name].options_type, options, "driver.options")
