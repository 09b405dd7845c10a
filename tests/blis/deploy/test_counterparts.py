"""The tables name what there is, on both sides."""

from blis.deploy.config import parameters_of
from blis.deploy.counterparts import ADMITTER, FAIRNESS, FILTERS, NEAREST, NEARLY, ORDERINGS, PICKERS, SCORERS
from blis.deploy.schema import schema
from blis.policies.admission import ADMISSION
from blis.policies.filters import FILTERS as OUR_FILTERS
from blis.policies.routing import ROUTING
from blis.policies.scorers import LLM_D_NAMES
from blis.policies.scorers import SCORERS as OUR_SCORERS


def test_both_sides_of_every_counterpart_exist():
    for counterparts, registry, kind in ((SCORERS, OUR_SCORERS, "scorer"), (FILTERS, OUR_FILTERS, "filter")):
        for one in counterparts:
            assert schema("plugins")[one.theirs]["kind"] == kind
            assert set(one.parameters) == set(registry[one.ours].bounds), one.ours
            assert set(one.parameters.values()) <= set(parameters_of(one.theirs, old=False))
            assert not one.producer or schema("plugins")[one.producer]["kind"] == "producer"
    for names, kind in ((ORDERINGS, "ordering"), (FAIRNESS, "fairness"), (PICKERS, "picker")):
        assert {schema("plugins")[name]["kind"] for name in names.values()} == {kind}
    assert set(ADMITTER) | {"min_priority"} == set(ADMISSION["probabilistic"].bounds)


def test_every_template_has_a_counterpart_or_a_nearest():
    assert {one.ours for one in SCORERS} | set(NEARLY) | set(NEAREST["routing.scorers"]) == set(OUR_SCORERS)
    assert set(NEAREST["routing.policy"]) | {"weighted", "random", "least-loaded"} == set(ROUTING)
    admitted = {"always-admit", "utilization-shed", "concurrency-shed", "probabilistic"}
    assert set(NEAREST["admission.policy"]) | admitted == set(ADMISSION)


def test_errors_elsewhere_call_scorers_the_same():
    assert {theirs: ours for theirs, ours in LLM_D_NAMES.items() if theirs != "precise-prefix-cache-scorer"} == {
        one.theirs: one.ours for one in reversed(SCORERS) if not one.ours.startswith("precise")
    }
