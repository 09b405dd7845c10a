"""Spaces made from the tables of templates: everything deployable is there, and bundles find their genomes."""

from random import Random

import pytest

from blis.errors import InputError
from blis.policies.admission import ADMISSION
from blis.policies.bundle import load_bundle
from blis.policies.filters import FILTERS
from blis.policies.priority import PRIORITIES
from blis.policies.registry import Bounds
from blis.policies.routing import ROUTING
from blis.policies.schedulers import SCHEDULERS
from blis.policies.scorers import SCORERS
from blis.scenario import apply_bundle
from search.application import compose_settings
from search.running.candidates import policy_of
from search.space.codec import decode, encode
from search.space.space import space_from_mapping
from search.space.templates import APPLY, CHOICES, SKIP, known_parameters
from search.verdict.rounding import round_bundle

SPACES = ("full_policy", "scheduling", "admission", "filters_then_scores")


@pytest.fixture(scope="module")
def full():
    return compose_settings(["search_space=full_policy"])


@pytest.mark.parametrize("key", CHOICES)
def test_every_deployable_template_is_in_the_full_space(full, key):
    table, _ = CHOICES[key]
    choices = set(full.space.parameters[key].choices)
    assert choices == set(table.deployable)


def test_oracles_and_templates_for_tests_stay_out():
    assert set(SCHEDULERS) - set(SCHEDULERS.deployable) == {
        "shortest-output",
        "shortest-predicted-output",
        "reverse-priority",
    }
    assert set(ROUTING) - set(ROUTING.deployable) == {"always-busiest"}
    assert set(ADMISSION) - set(ADMISSION.deployable) == {"reject-all"}
    assert set(PRIORITIES) - set(PRIORITIES.deployable) == {"inverted-slo"}
    assert set(SCORERS) - set(SCORERS.deployable) == {"precise-prefix-cache-2026-04"}


def test_every_scorer_and_filter_is_in_the_full_space(full):
    for name in SCORERS.deployable:
        keys = {f"routing.scorers.{name}", *(f"routing.scorers.{name}.{each}" for each in SCORERS[name].bounds)}
        assert keys <= set(full.space)
    for name, template in FILTERS.items():
        assert full.space.parameters[f"routing.filters.{name}.use"].choices == (SKIP, APPLY)
        assert {f"routing.filters.{name}.{parameter}" for parameter in template.bounds} <= set(full.space)


def test_a_parameter_is_active_with_its_template_only(full):
    space = full.space
    for policy in ADMISSION.deployable:
        active = {key for key in space if space.is_active(key, {"admission.policy": policy})}
        own = {key for key in active if key.startswith(("admission.parameters.", "admission.token_bucket"))}
        assert len(own) == len(ADMISSION[policy].bounds), policy


@pytest.mark.parametrize("name", SPACES)
def test_a_genome_comes_back_from_its_bundle(name):
    settings = compose_settings([f"search_space={name}"])
    space, problem = settings.space, settings.problem
    rng = Random(name)
    for _ in range(60):
        genome = space.sample(rng)
        again = encode(space, policy_of(genome, space, problem), problem.rates)
        assert again is not None
        assert again.keys() == genome.keys()
        twice = policy_of(again, space, problem)
        for key in ("admission.policy", "scheduler", "routing.filters.load.use", "flow_control.use"):
            assert again.get(key) == genome.get(key)
        assert encode(space, twice, problem.rates) == pytest.approx(again)


def test_rounded_policies_are_policies_with_short_numbers(full):
    space, scenario, rates = full.space, full.problem.scenario, full.problem.rates
    rng = Random(3)
    for _ in range(60):
        bundle = decode(space, space.sample(rng), rates)
        rounded = round_bundle(bundle, space, 100, 2)
        apply_bundle(scenario, rounded)  # valid
        assert round_bundle(rounded, space, 100, 2) == rounded
        if bundle.admission.parameters:
            assert all(len(f"{value:g}") <= 7 for value in rounded.admission.parameters.values())


WEIGHT = "routing.scorers.active-requests"


def test_the_parameters_of_a_scorer_matter_while_it_has_a_weight(full):
    parameters = {f"{WEIGHT}.idle_threshold", f"{WEIGHT}.max_busy_score"}
    for value, wanted in ((0.0, set()), (0.5, parameters)):
        genome = full.space.complete({"routing.policy": "weighted", WEIGHT: value}, Random(1))
        assert {key for key in genome if key.startswith(f"{WEIGHT}.")} == wanted


def test_a_scorer_gets_its_parameters_and_they_come_back(full):
    space, problem = full.space, full.problem
    own = {f"{WEIGHT}.idle_threshold": 3.0, f"{WEIGHT}.max_busy_score": 0.25}
    genome = space.complete({"routing.policy": "weighted", WEIGHT: 1.0, **own}, Random(1))
    policy = policy_of(genome, space, problem)
    (scorer,) = [one for one in policy.bundle.routing.scorers if one.name == "active-requests"]
    assert scorer.parameters == {"idle_threshold": 3.0, "max_busy_score": 0.25}
    assert own.items() <= encode(space, policy, problem.rates).items()
    rounded = round_bundle(policy.bundle, space, 100, 1)
    (scorer,) = [one for one in rounded.routing.scorers if one.name == "active-requests"]
    assert scorer.parameters == {"idle_threshold": 3.0, "max_busy_score": 0.2}


def test_a_parameter_of_a_scorer_needs_its_weight():
    leaf = {"type": "float", "low": 0, "high": 1}
    mapping = {"routing": {"scorers": {"active-requests.max_busy_score": leaf}, "tie_break": {
        "type": "categorical", "choices": ["first", "random"]}}}  # fmt: skip
    with pytest.raises(
        InputError, match=r"the scorer's weight routing\.scorers\.active-requests must be declared before"
    ):
        space_from_mapping(mapping)
    mapping["routing"]["scorers"] = {
        "active-requests": {"type": "zero_or", "low": 0.1, "high": 1},
        "active-requests.max_busy_score": leaf,
    }
    assert list(space_from_mapping(mapping)) == [WEIGHT, f"{WEIGHT}.max_busy_score", "routing.tie_break"]


def test_all_baselines_lie_in_the_full_space(full):
    for name, policy in full.baselines.items():
        genome = encode(full.space, policy, full.problem.rates)
        assert genome is not None, name


def test_a_filter_changes_the_policy(full):
    plain = load_bundle({"routing": {"policy": "weighted", "scorers": [{"name": "token-load", "weight": 1}]}})
    mapping = {"routing": {"policy": "weighted", "scorers": [{"name": "token-load", "weight": 1}]}}
    mapping["routing"]["filters"] = [{"name": "load", "parameters": {"max_waiting": 4}}]
    assert full.problem.policy(plain).id != full.problem.policy(load_bundle(mapping)).id


def test_choices_limit_the_templates():
    space = space_from_mapping({"admission": {"policy": {"type": "templates", "choices": ["tier-shed", "reject-all"]}}})
    assert space.parameters["admission.policy"].choices == ("tier-shed", "reject-all")
    assert set(space) == {"admission.policy", "admission.parameters.max_load", "admission.parameters.min_priority"}


@pytest.fixture
def another_age():
    """A priority policy with the parameter of another one in a range of its own, for as long as a test runs."""

    def mine(age_per_s, columns):
        """Age."""
        return -age_per_s * columns.arrival_us

    PRIORITIES.register("mine", age_per_s=Bounds(0, 5))(mine)
    yield {"type": "templates", "choices": ["class-age", "mine"]}
    PRIORITIES.forget("mine")


def test_one_parameter_has_one_range(another_age):
    with pytest.raises(InputError, match=r"priority\.policy: age_per_s has several ranges; list its templates apart"):
        space_from_mapping({"priority": {"policy": another_age}})


def test_all_known_parameters_are_keys_of_a_bundle(full):
    known = {key for key in known_parameters() if not key.startswith("disaggregation.")}  # of clusters with roles
    assert known <= set(full.space) | {
        "scheduler_parameters.noise",  # of an oracle
        "routing.scorers.precise-prefix-cache-2026-04",
    }


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"engine": {"type": "templates"}}, "type 'templates' is for: admission.policy"),
        ({"scheduler": {"type": "templates", "low": 1}}, "takes only choices and when"),
        ({"scheduler": {"type": "templates", "choices": ["sjff"]}}, "did you mean 'sjf'"),
        (
            {"slo_tiers": {"critical": {"prioritty": {"type": "float", "low": 0, "high": 1}}}},
            "unknown search space key",
        ),
        (
            {
                "scheduler": {"type": "templates"},
                "priority": {"policy": {"type": "templates", "when": {"scheduler": ["sjf", "fifo"]}}},
            },
            "unknown value of scheduler",
        ),
    ],
)
def test_mistakes_are_told(mapping, message):
    with pytest.raises(InputError, match=message):
        space_from_mapping(mapping)
