"""What a file may say of tokens that are guessed ahead."""

from dataclasses import replace

import pytest

from blis.config import Batch, Drafter, LatencyModel
from blis.errors import InputError
from blis.policies.bundle import load_bundle
from blis.scenario import apply_bundle, load_scenario, scenario_mapping
from tests.blis.engine.plain_times import deployment

TWO = Batch(speculative_tokens=2)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Drafter(1.5), "drafter.acceptance"),
        (lambda: Drafter(float("nan")), "drafter.acceptance"),
        (lambda: Drafter(accepted_per_position=(0.5, -1)), "drafter.accepted_per_position[1]"),
        (lambda: Drafter(accepted_per_position=(0.5, 0.6)), "accepted_per_position[1] is 0.6, more than 0.5 before it"),
        (lambda: Drafter(0.5, (0.5,)), "exclude each other"),
        (lambda: Drafter(0.5, draft_us=-1), "drafter.draft_us"),
        (lambda: Batch(speculative_tokens=-1), "batch.speculative_tokens"),
        (lambda: Batch(speculative_tokens=65), "batch.speculative_tokens"),
        (lambda: Batch(max_scheduled_tokens=3, speculative_tokens=3), "do not go into batch.max_scheduled_tokens 3"),
        (lambda: instance(batch=TWO), "but nobody says how many are accepted: give instance.drafter.acceptance"),
        (lambda: instance(batch=TWO, drafter=Drafter(accepted_per_position=(0.5,))), "has 1 chances"),
    ],
)
def test_mistakes_name_the_key(make, words: str):
    with pytest.raises(InputError) as error:
        make()
    assert words in str(error.value)


def instance(**given):
    return replace(deployment().instance, **given)


def test_the_originals_roofline_does_not_know_drafts():
    scenario = load_scenario("conf/cluster/h100x4_drafts.yaml")
    model = replace(scenario.instance.latency_model, kind="roofline-original")
    with pytest.raises(InputError, match="kind 'roofline-original' does not know draft tokens"):
        replace(scenario.instance, latency_model=model, batch=TWO)
    assert isinstance(model, LatencyModel)


def test_chances_follow_from_one_number_or_are_given():
    assert Drafter(0.5).chances(3) == (0.5, 0.25, 0.125)
    assert Drafter(accepted_per_position=(0.9, 0.2, 0.1)).chances(2) == (0.9, 0.2)


def test_a_scenario_comes_back_as_it_was_and_says_nothing_of_drafts_if_it_has_none():
    scenario = deployment(engine={"batch": TWO, "drafter": Drafter(0.5, draft_us=7)})
    mapping = scenario_mapping(scenario)
    assert load_scenario(mapping) == scenario
    plain = scenario_mapping(deployment())
    assert "drafter" not in plain["instance"] and "speculative_tokens" not in plain["instance"]["batch"]


def test_a_bundle_says_how_many_are_guessed():
    scenario = deployment(engine={"drafter": Drafter(0.5)})
    bundle = load_bundle({"engine": {"speculative_tokens": 4}})
    assert apply_bundle(scenario, bundle).instance.batch.speculative_tokens == 4
    with pytest.raises(InputError, match=r"speculative_tokens is 4, but nobody says"):
        apply_bundle(deployment(), bundle)
