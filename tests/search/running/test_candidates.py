"""What is evaluated next: baselines as the bundles they are, then the driver's proposals, each with its policy."""

import json
from dataclasses import replace

import pytest

from search.drivers.base import SEED, Proposal
from search.running.archive import BASELINE
from search.running.candidates import Candidates, make_candidates, seed_genomes
from search.running.checkpoint import begin
from search.running.loop import run_search
from search.space.codec import encode
from search.verdict.holdout import make_holdout
from search.verdict.validation import validate
from tests.search.small import small_settings

OUTSIDE = {"round-robin", "least-loaded", "sticky-until-saturated", "least-request", "lmetric", "power-of-two"}


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """A space of router weights: the other routings lie outside."""
    return small_settings(tmp_path_factory.mktemp("run"), "search_space=routing_weights")


class Told:
    """A driver that proposes given genomes and remembers what it is told."""

    def __init__(self, genomes):
        self.genomes, self.told = list(genomes), []

    def ask(self, n):
        taken, self.genomes = self.genomes[:n], self.genomes[n:]
        return [Proposal(genome, origin) for genome, origin in taken]

    def tell(self, proposals, evaluations):
        self.told += zip(proposals, evaluations, strict=True)


def test_the_baselines_that_lie_in_the_space_are_seeds(settings):
    seeds = seed_genomes(settings.space, settings.baselines, settings.problem)
    assert set(seeds) == set(settings.baselines) - OUTSIDE
    for name, genome in seeds.items():
        assert genome == encode(settings.space, settings.baselines[name], settings.problem.rates)


def test_a_baseline_that_differs_where_the_space_is_silent_lies_outside(tmp_path):
    """Of knobs alone its score would be told of what its router did."""
    settings = small_settings(tmp_path, "search_space=engine_knobs")
    assert list(seed_genomes(settings.space, settings.baselines, settings.problem)) == ["llm-d-default"]
    names = [candidate.name for candidate in make_candidates(settings).take(len(settings.baselines))]
    assert sorted(names) == sorted(settings.baselines)


def test_those_outside_come_first_then_the_seeds_then_proposals(settings):
    candidates = make_candidates(settings)
    taken = candidates.take(4) + candidates.take(10)
    names = [candidate.name for candidate in taken]
    count = len(settings.baselines)
    assert set(names[: len(OUTSIDE)]) == OUTSIDE
    assert set(names[:count]) == set(settings.baselines)
    assert names[count:] == [""] * (14 - count)
    for candidate in taken[:count]:
        assert (candidate.origin, candidate.policy) == (BASELINE, settings.baselines[candidate.name])
        assert (candidate.proposal is None) == (candidate.name in OUTSIDE)
    assert all(candidate.policy is not None and candidate.origin != BASELINE for candidate in taken[count:])


def test_seeds_come_with_the_baselines_but_are_candidates(settings, tmp_path):
    """Of the space or not, each is evaluated as the bundle it is."""
    names = ["round-robin", "llm-d-default", "prefix2-queue1-kv1", "lmetric"]
    given = small_settings(
        tmp_path, "search_space=routing_weights", f"baselines={names[:2]}", f"seeds={names[2:]}", "driver.budget=20"
    )
    taken = make_candidates(given).take(6)
    assert [(one.name, one.origin) for one in taken[:4]] == [
        ("round-robin", BASELINE),
        ("lmetric", SEED),
        ("llm-d-default", BASELINE),
        ("prefix2-queue1-kv1", SEED),
    ]
    assert [one.policy.id for one in taken[:4]] == [settings.baselines[one.name].id for one in taken[:4]]
    assert [bool(one.genome) for one in taken[:4]] == [False, False, True, True]
    assert [one.name for one in taken[4:]] == ["", ""]


def test_a_seed_outside_the_space_may_be_the_best(tmp_path):
    few = ["baselines=[round-robin]", "primary=round-robin", "search_space=engine_knobs", "driver.budget=12"]
    settings = small_settings(tmp_path, *few, "seeds=[lmetric]")
    candidates, evaluator, archive = begin(settings)
    run_search(candidates, evaluator, settings.driver, archive)
    verdict = validate(settings, archive, evaluator, make_holdout(settings))
    assert verdict.candidate.complete.routing.policy == "lmetric"


def test_a_driver_is_told_of_its_own_proposals_only(settings):
    seeds = seed_genomes(settings.space, settings.baselines, settings.problem)
    genome = next(iter(seeds.values()))
    driver = Told([(genome, "seed"), (genome, "model")])
    baselines = {name: settings.baselines[name] for name in ("round-robin", next(iter(seeds)))}
    candidates = Candidates(replace(settings, baselines=baselines), seeds, driver)
    taken = candidates.take(3)
    assert [candidate.name for candidate in taken] == ["round-robin", next(iter(seeds)), ""]
    candidates.tell(taken, ["a", "b", "c"])
    assert driver.told == [(Proposal(genome, "seed"), "b"), (Proposal(genome, "model"), "c")]


def test_a_genome_that_is_no_policy_says_why(settings):
    genome = next(iter(seed_genomes(settings.space, settings.baselines, settings.problem).values()))
    flawed = {key: 0.0 if key.startswith("routing.scorers.") else value for key, value in genome.items()}
    candidates = Candidates(replace(settings, baselines={}), (), Told([(flawed, "model")]))
    (candidate,) = candidates.take(1)
    assert (candidate.policy, candidate.reason) == (None, "all scorer weights are zero")


@pytest.mark.parametrize("taken", [3, 8, 14])  # among those outside, among the seeds, beyond
def test_they_go_on_where_they_stood(settings, taken):
    candidates = make_candidates(settings)
    candidates.take(taken)
    state = json.loads(json.dumps(candidates.state()))
    again = make_candidates(settings)
    again.restore(state)
    assert again.take(20) == candidates.take(20)
