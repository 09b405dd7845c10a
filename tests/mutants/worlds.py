"""Faults in what is said of other worlds, and of what a policy can carry."""

from __future__ import annotations

from tests.mutants import Mutant

_ROBUSTNESS, _SAVING = "search/verdict/robustness.py", "search/verdict/saving.py"
_ROBUSTNESS_TESTS, _SHIFT_TESTS = ("tests/search/verdict/test_robustness.py",), ("tests/search/shifts",)

MUTANTS = (
    Mutant(
        _ROBUSTNESS, "self.policy.bounds[1] < 0", "self.policy.mean < 0", _ROBUSTNESS_TESTS, "no proof that it loses"
    ),
    Mutant(
        _ROBUSTNESS,
        "holdout.against(policy, [primary], evaluator)",
        "holdout.against(policy, [primary])",
        _ROBUSTNESS_TESTS,
        "the world as it is instead of the shifted one",
    ),
    Mutant(
        _ROBUSTNESS,
        "if rule.id in (policy.id, primary.id):",
        "if rule.id == policy.id:",
        _ROBUSTNESS_TESTS,
        "the primary is compared with itself",
    ),
    Mutant(
        "search/problem/problem.py",
        "scenario = self.altered(policy.scenario)",
        "scenario = policy.scenario",
        _SHIFT_TESTS,
        "a shift of the cluster that no simulation sees",
    ),
    Mutant(
        "search/shifts/worlds.py",
        "if world.mapping() == problem.mapping():",
        "if world == problem:",
        _SHIFT_TESTS,
        "a world that is the same as ours",
    ),
    Mutant(
        "search/shifts/instances.py",
        "for pool in scenario.pools[: largest + 1]) - 1",
        "for pool in scenario.pools[:largest])",
        _SHIFT_TESTS,
        "the first of a pool is lost, and its last one stays named",
    ),
    Mutant(
        "search/shifts/instances.py",
        "failures=cluster.failures.without(lost),",
        "",
        _SHIFT_TESTS,
        "the instance that is lost still fails",
    ),
    Mutant(
        "search/shifts/skew.py",
        "max(0.0, population.tenants.zipf + step)",
        "population.tenants.zipf + step",
        _SHIFT_TESTS,
        "shares turned round",
    ),
    Mutant(
        "search/problem/aim.py",
        "math.ceil(TAIL * len(scores))",
        "max(1, math.floor(TAIL * len(scores)))",
        ("tests/search/problem/test_aim.py",),
        "too short a tail",
    ),
    Mutant(
        "search/running/evaluation.py",
        "tuple(-AIMS[aim]([-loss for loss in column])",
        "tuple(AIMS[aim](column)",
        ("tests/search/running/test_evaluator.py",),
        "the best world instead of the worst one, for objectives",
    ),
    Mutant(
        _SAVING,
        "instances * theirs / limit",
        "instances * limit / theirs",
        ("tests/search/verdict/test_saving.py",),
        "more instances for what carries more",
    ),
    Mutant(
        "blis/sizing/sizing.py",
        "good[run.requests.scored_rows]",
        "good",
        ("tests/blis/sizing/test_sizing.py",),
        "the beginning and the end of a table count",
    ),
    Mutant(
        "blis/sizing/bisection.py",
        "below, found = -1, places",
        "below, found = 0, places",
        ("tests/blis/sizing/test_bisection.py",),
        "the first place is never found",
    ),
)
