"""A search changes only what its space names: random spaces, random primary baselines, random genomes."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from blis.config import CLASS_NAMES
from blis.errors import InputError
from blis.policies.bundle import given_fields
from search.application import compose_settings
from search.problem.policy import Policy
from search.problem.problem import Problem
from search.running.candidates import policy_of
from search.space.codec import decode
from search.space.space import Space, space_from_mapping
from search.verdict.rounding import round_bundle

GENOMES = 8

#: Beginnings of space keys that name a fact without being its name.
ALSO = {
    "scheduler": ("scheduler_parameters.",),
    "routing": ("routing.policy", "routing.parameters."),
    "routing.picker": ("routing.policy",),  # only one policy has it
    "flow_control.enabled": ("flow_control.use",),
}


#: What a router has only with some policies.
MATTERS = ("scorers", "tie_break")


@pytest.fixture(scope="module")
def full():
    return compose_settings(["search_space=full_policy"])


def facts(policy: Policy) -> dict[str, Any]:
    """Everything that a policy decides, by the beginning of the space keys that name it.

    What does not matter beside the rest (ties where turns are taken, a gateway queue that is off) is left out.
    """
    scenario, complete = policy.scenario, policy.complete
    cluster, instance = scenario.cluster, scenario.instance
    routing = cluster.routing
    tiers = {
        f"slo_tiers.{name}.{key}": value for name in CLASS_NAMES for key, value in vars(scenario.tier(name)).items()
    }
    return {
        "admission": (cluster.admission.policy, cluster.admission.parameters),
        "routing": (routing.policy, routing.parameters),
        "routing.picker": routing.picker,
        "routing.filters": routing.filters,
        **{f"routing.{name}": value for name, value in given_fields(complete.routing).items() if name in MATTERS},
        "priority": (instance.priority, instance.priority_parameters),
        "scheduler": (instance.scheduler, instance.scheduler_parameters),
        "preemption": instance.preemption,
        **{f"flow_control.{name}": value for name, value in given_fields(complete.flow_control).items()},
        **{f"engine.{name}": value for name, value in vars(instance.batch).items()},
        **tiers,
    }


def is_named(fact: str, space: Space) -> bool:
    """Whether a space may change it."""
    beginnings = ALSO.get(fact, (f"{fact}.",))
    return any(key == fact or key.startswith(beginnings) for key in space)


def random_space(rng: Random, conf: dict[str, Any]) -> Space:
    """Some of the leaves of a space; a condition on what is not among them is left out."""
    leaves = dict(_leaves(conf))
    chosen = {key: leaf for key, leaf in leaves.items() if rng.random() < 0.3}
    chosen.setdefault("engine.max_running", leaves["engine.max_running"])
    mapping: dict[str, Any] = {}
    for key, leaf in chosen.items():
        when = {other: value for other, value in leaf.get("when", {}).items() if other in chosen}
        _put(mapping, key, {**leaf, "when": when or None})
    return space_from_mapping(mapping)


def _leaves(mapping, path=""):
    for name, value in mapping.items():
        if "type" in value:
            yield path + name, value
        else:
            yield from _leaves(value, f"{path}{name}.")


def _put(mapping: dict[str, Any], key: str, value: Any) -> None:
    for parent in key.split(".")[:-1]:
        mapping = mapping.setdefault(parent, {})
    mapping[key.split(".")[-1]] = value


def random_problem(rng: Random, full) -> Problem:
    """The default problem under another primary baseline, on a cluster whose own policy is another one."""
    cluster = full.problem.policy(decode(full.space, full.space.sample(rng), full.problem.rates)).scenario
    baseline = decode(full.space, full.space.sample(rng), full.problem.rates)
    return replace(full.problem, scenario=cluster, baseline=baseline)


@pytest.mark.parametrize("seed", range(40))
def test_what_the_space_does_not_name_is_as_in_the_primary_to_the_digit(full, seed):
    rng = Random(seed)
    space, problem = random_space(rng, full.config["search_space"]), random_problem(rng, full)
    primary, tried = facts(problem.against), 0
    for genome in (space.sample(rng) for _ in range(GENOMES)):
        try:
            candidate = policy_of(genome, space, problem)
        except InputError:  # a picker without the policy that has it
            continue
        rounded = problem.policy(round_bundle(candidate.complete, space, 100, 2))
        tried += 1
        for found in (candidate, rounded):
            changed = {fact for fact, value in facts(found).items() if value != primary.get(fact, value)}
            assert [fact for fact in sorted(changed) if not is_named(fact, space)] == []
    assert tried or "routing.picker" in space
