"""Whose outlook it is, and what of it was asked for."""

from dataclasses import replace

import pytest

from blis.engine.run import simulate
from blis.policies.bundle import load_bundle
from search.verdict.advice import CANDIDATE, RULE, Advice, keep
from search.verdict.holdout import make_holdout
from search.verdict.outlook import Outlook, outlook
from search.verdict.robustness import Robustness, UnderShift
from tests.search.small import small_settings, with_simulation
from tests.search.verdict.comparisons import interval

SHIFTS = ("rate x1.2", "one instance less")


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    small = small_settings(tmp_path_factory.mktemp("run"), "validation.shift_seeds=2", "validation.robust=true")
    return replace(small, shifts=SHIFTS)


def policy(settings, routing):
    return settings.problem.policy(load_bundle({"routing": {"policy": routing}}))


def test_of_what_is_to_be_deployed_or_of_the_candidate_if_nothing_is(settings):
    holdout = make_holdout(settings)
    candidate, rule = policy(settings, "round-robin"), policy(settings, "least-loaded")
    advised = {
        "the policy found": Advice(CANDIDATE, "", candidate),
        "least-loaded": Advice(RULE, "least-loaded", rule),
        "the best candidate": keep("llm-d-default", settings.problem.against),
    }
    found = {subject: outlook(holdout, advice, candidate, rule) for subject, advice in advised.items()}
    assert [one.subject for one in found.values()] == list(found)
    means = {subject: [one.policy.mean for one in expected.robust.shifts] for subject, expected in found.items()}
    assert means["the policy found"] == means["the best candidate"] != means["least-loaded"]
    assert all(one.best_baseline is None for one in found["least-loaded"].robust.shifts)


def test_what_is_not_asked_for_is_not_there(settings):
    nothing = replace(settings, validation=replace(settings.validation, robust=False))
    policy_, against = policy(settings, "round-robin"), settings.problem.against
    found = outlook(make_holdout(nothing), Advice(CANDIDATE, "", policy_), policy_, against)
    assert found == Outlook("the policy found", None, None)
    assert (found.sentence, found.to_dict()) == ("", {"robust": None, "saving": None})
    asked = replace(settings, validation=replace(settings.validation, robust=False, saving=True))
    assert outlook(make_holdout(asked), Advice(CANDIDATE, "", against), against, against).saving.instances == 4


def test_a_proof_stands_where_other_rates_cannot_be_simulated(settings):
    times = {settings.problem.table(key).arrival_us[-1] for key in settings.pool("pool/report", 4)}

    def failing(scenario, table):
        if table.arrival_us[-1] not in times:
            raise ValueError("too fast")
        return simulate(scenario, table)

    asked = replace(settings, validation=replace(settings.validation, robust=False, saving=True))
    against = settings.problem.against
    found = outlook(make_holdout(with_simulation(asked, failing)), Advice(CANDIDATE, "", against), against, against)
    assert (found.saving, found.robust) == (None, None)
    assert "too fast" in found.unsaved


def test_in_one_sentence():
    shifts = [UnderShift("a", interval(0.01, 0.03)), UnderShift("b", interval(-0.04, -0.02))]
    assert Outlook("lmetric", Robustness(shifts, {}), None).sentence == (
        "In other worlds lmetric is safe under 1 of 2 shifts and better under 1;"
        " it loses under b (-0.030 [-0.040, -0.020])."
    )
    assert Outlook("lmetric", Robustness([], {"a": "no"}), None).sentence == ""
