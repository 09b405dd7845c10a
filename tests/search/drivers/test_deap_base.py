"""How genomes vary: children are made of their parents, mutations of their genome, and every gene has its turn."""

from collections import Counter

import pytest

from search.drivers import make_driver
from search.space.space import space_from_mapping
from search.testing import SEEDS, SPACE, Score, run

NAMES = ("deap_ga", "deap_mu_plus_lambda")
FLAT = space_from_mapping(
    {
        "engine": {
            "max_scheduled_tokens": {"type": "int", "low": 256, "high": 16384, "log": True},
            "max_running": {"type": "int", "low": 16, "high": 512},
            "long_prefill_threshold": {"type": "categorical", "choices": [0, 256, 512, 1024]},
        }
    }
)
LOW = {"engine.max_scheduled_tokens": 512, "engine.max_running": 32, "engine.long_prefill_threshold": 0}
HIGH = {"engine.max_scheduled_tokens": 8192, "engine.max_running": 400, "engine.long_prefill_threshold": 1024}


def children(name, parents, n=60, **options):
    """The first children of a population of these parents."""
    driver = make_driver(name, FLAT, parents, 3, {"initial": len(parents), "population": 2, **options})
    driver.tell(driver.ask(len(parents)), [Score(0.0)] * len(parents))
    return driver.ask(n)


@pytest.mark.parametrize("name", NAMES)
def test_random_genomes_come_until_there_are_enough(name):
    driver = make_driver(name, SPACE, SEEDS, 1, {"initial": 20})
    origins = [proposal.origin for proposal, _ in run(driver, generations=4, batch=10)]
    assert origins[:2] == ["seed", "seed"]
    assert set(origins[2:20]) == {"random"}
    assert set(origins[20:]) >= {"mutation", "crossover"}
    assert origins[20:].count("random") <= 2


@pytest.mark.parametrize("name", NAMES)
def test_a_mutation_changes_some_genes_and_each_of_them_at_some_time(name):
    found = children(name, [LOW, dict(LOW, **{"engine.max_running": 33})], crossover=0.0)
    assert {proposal.origin for proposal in found} == {"mutation"}
    changed = Counter(key for proposal in found for key in LOW if proposal.genome[key] != LOW[key])
    assert all(changed[key] > 5 for key in LOW)
    assert changed["engine.max_scheduled_tokens"] < 45  # a fifth of the time, or if nothing else changes


def test_a_rate_of_mutation_of_one_changes_every_gene():
    found = children("deap_ga", [LOW, HIGH], crossover=0.0, mutation=1.0, n=20)
    for proposal in found:
        changed = [sum(proposal.genome[key] != parent[key] for key in LOW) for parent in (LOW, HIGH)]
        assert len(LOW) in changed  # against the one that it comes from


def test_a_crossover_takes_genes_of_both_parents_or_between_them():
    found = children("deap_ga", [LOW, HIGH], crossover=1.0, mutation=0.0)
    assert {proposal.origin for proposal in found} <= {"crossover", "random"}
    genomes = [proposal.genome for proposal in found if proposal.origin == "crossover"]
    numbers = ("engine.max_scheduled_tokens", "engine.max_running")
    origins = [
        [(LOW[key], HIGH[key]).index(g[key]) if g[key] in (LOW[key], HIGH[key]) else None for key in numbers]
        for g in genomes
    ]
    assert [0, 1] in origins and [1, 0] in origins
    assert [None, None] in origins  # a mutation alone changes one gene
    for g in genomes:
        assert sum(not LOW[key] <= g[key] <= HIGH[key] for key in LOW) <= 1  # half of them are mutated, one gene each


def test_a_flipped_template_draws_the_genes_that_it_needs():
    driver = make_driver("deap_ga", SPACE, SEEDS[:1], 2, {"initial": 1, "crossover": 0.0})
    driver.tell(driver.ask(1), [Score(0.0)])
    weighted = [p.genome for p in driver.ask(80) if p.genome["routing.policy"] == "weighted"]
    assert len(weighted) > 5
    assert all(len(genome) == 5 and SPACE.flaw(genome) is None for genome in weighted)
    assert len({genome["routing.scorers.queue-depth"] for genome in weighted}) > 3
