"""What leaving a family out means for a space, and the whole study on tiny tables."""

from dataclasses import replace
from random import Random

import pytest

from blis.errors import InputError
from blis.policies.bundle import bundle_mapping
from experiments.families import EVERYTHING, FAMILIES, families_of, page, study, without
from search.application import compose_settings
from search.running.candidates import policy_of
from tests.search.small import small_settings


@pytest.fixture(scope="module")
def settings():
    return compose_settings(["search_space=full_policy"])


def test_every_key_of_the_full_space_belongs_to_one_family(settings):
    for key in settings.space:
        assert sum(key.startswith(prefixes) for prefixes in FAMILIES.values()) == 1, key
    assert families_of(settings.space) == list(FAMILIES)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_left_out_is_as_the_baseline_has_it(settings, family):
    problem = settings.problem
    space = without(settings.space, problem.baseline, family)
    assert not any(key.startswith(FAMILIES[family]) for key in space)
    wanted = bundle_mapping(problem.against.complete)
    rng = Random(1)
    for _ in range(20):
        policy = bundle_mapping(policy_of(space.sample(rng), space, problem).complete)
        if family == "router":
            assert [policy["routing"][key] for key in ("policy", "scorers", "tie_break")] == [
                wanted["routing"][key] for key in ("policy", "scorers", "tie_break")
            ]
        elif family == "filters":
            assert "filters" not in policy["routing"]
        elif family == "scheduling":
            assert (policy["scheduler"], policy["priority"]) == (wanted["scheduler"], wanted["priority"])
        elif family == "gateway queue":
            assert "flow_control" not in policy
        else:
            key = {"admission": "admission", "engine knobs": "engine"}[family]
            assert policy[key] == wanted[key]


def test_a_space_of_one_family_has_nothing_without_it():
    settings = compose_settings(["search_space=engine_knobs"])
    assert families_of(settings.space) == ["engine knobs"]
    with pytest.raises(InputError, match="nothing is left"):
        without(settings.space, settings.problem.baseline, "engine knobs")


def test_the_whole_study(tmp_path):
    settings = replace(small_settings(tmp_path, "search_space=full_policy"), seed=1)
    found = study(settings, [1], ["engine knobs"])
    assert list(found) == [EVERYTHING, "engine knobs"]
    assert found[EVERYTHING].cost is None
    cost = found["engine knobs"].cost
    assert cost is not None and cost.t_low <= cost.mean <= cost.t_high
    text = page(found, settings, [1])
    assert "without engine knobs" in text
    assert f"{cost.mean:+.3f}" in text
