"""NSGA-II: on two goals that pull apart, its population covers the whole front."""

import math
from typing import NamedTuple

import numpy as np
import pytest

from blis.errors import InputError
from search.drivers import DRIVERS, make_driver
from search.run_folder.pareto import non_dominated
from search.space.space import space_from_mapping

# Two weights x, y in [0, 1]; the goals are the distances from (0.2, 0.2) and (0.8, 0.2).
SPACE = space_from_mapping(
    {
        "routing": {
            "scorers": {name: {"type": "float", "low": 0.0, "high": 1.0} for name in ("queue-depth", "load-balance")}
        }
    }
)


class Score(NamedTuple):
    fitness: float | None
    objectives: tuple[float, ...]


def distances(genome):
    x, y = genome.values()
    return math.hypot(x - 0.2, y - 0.2), math.hypot(x - 0.8, y - 0.2)


def run(driver, generations=25, batch=24, failing=lambda genome: False):
    points = []
    for _ in range(generations):
        proposals = driver.ask(batch)
        scores = [
            Score(None, ()) if failing(p.genome) else Score(-sum(distances(p.genome)), distances(p.genome))
            for p in proposals
        ]
        driver.tell(proposals, scores)
        points += [score.objectives for score in scores if score.objectives]
    return np.array(points)


def test_the_front_of_two_distances_is_the_line_between_the_points():
    driver = make_driver("deap_nsga2", SPACE, [], 1, {})
    run(driver)
    population = [genome for genome, _ in driver.state()["population"]]
    assert len(population) == 40
    along = sorted(genome["routing.scorers.queue-depth"] for genome in population)
    across = [abs(genome["routing.scorers.load-balance"] - 0.2) for genome in population]
    assert np.median(across) < 0.02
    assert along[0] < 0.25
    assert along[-1] > 0.75
    assert max(np.diff(along)) < 0.1


def hypervolume(points):
    """The area that points dominate below (1, 1)."""
    front = sorted(map(tuple, points[non_dominated(points)]))
    area, ceiling = 0.0, 1.0
    for first, second in front:
        area += max(1 - first, 0) * max(ceiling - second, 0)
        ceiling = min(ceiling, second)
    return area


def test_it_dominates_more_than_random_search():
    found = {
        name: [hypervolume(run(make_driver(name, SPACE, [], seed, {}), 12)) for seed in range(3)]
        for name in ("deap_nsga2", "random")
    }
    assert min(found["deap_nsga2"]) > max(found["random"])


def test_what_has_no_objectives_never_survives():
    driver = make_driver("deap_nsga2", SPACE, [], 1, {})
    run(driver, 12, failing=lambda genome: genome["routing.scorers.queue-depth"] > 0.5)
    assert all(genome["routing.scorers.queue-depth"] <= 0.5 for genome, _ in driver.state()["population"])


@pytest.mark.parametrize("population", [2, 3, 4])
def test_a_population_without_room_for_a_tournament_is_refused(population):
    with pytest.raises(InputError, match=rf"driver.options.population must be >= 5, got {population}"):
        make_driver("deap_nsga2", SPACE, [], 1, {"population": population})


def test_it_alone_looks_for_compromises():
    assert [name for name, driver in DRIVERS.items() if driver.pareto] == ["deap_nsga2"]
