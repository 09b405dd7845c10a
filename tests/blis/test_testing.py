"""The contract of templates holds for ours, and sees through those that break it."""

import pytest

from blis.jit import kernel
from blis.policies.admission import ADMISSION
from blis.policies.filters import FILTERS
from blis.policies.registry import Bounds
from blis.policies.routing import ROUTING
from blis.policies.scorers import SCORERS
from blis.testing import TemplateContract

for _registry in (ADMISSION, FILTERS, ROUTING, SCORERS):
    for _name in _registry:
        _label = f"Test_{_registry.kind}_{_name}".replace(" ", "_").replace("-", "_")
        globals()[_label] = type(_label, (TemplateContract,), {"registry": _registry, "name": _name})


@pytest.fixture
def contract():
    """Registers a scorer for as long as a test runs, and gives its contract."""

    def of(function, **about):
        SCORERS.register("mine", **about)(function)
        return type("Mine", (TemplateContract,), {"registry": SCORERS, "name": "mine"})()

    yield of
    SCORERS.forget("mine")


def test_a_scorer_that_reads_more_than_it_says_is_found(contract):
    def mine(views, ask):
        """Reads what nobody has filled in."""
        for j in range(len(views)):
            views[j].term = 1.0 / (1 + views[j].queue_depth)

    with pytest.raises(AssertionError):
        contract(mine).test_it_looks_at_nothing_that_it_does_not_read()


def test_a_scorer_that_lets_the_excluded_count_is_found(contract):
    def mine(views, ask):
        """Takes the maximum of all instances."""
        top = 1
        for j in range(len(views)):
            top = max(top, views[j].queue_depth)
        for j in range(len(views)):
            views[j].term = views[j].queue_depth / top

    with pytest.raises(AssertionError):
        contract(mine, reads=("queue_depth",)).test_who_is_not_eligible_does_not_count()


def test_a_default_out_of_bounds_and_a_template_without_words_are_found():
    def silent(limit, views, ask):
        pass

    FILTERS.register("mine", limit=Bounds(0, 1, default=2))(silent)
    try:
        found = type("Mine", (TemplateContract,), {"registry": FILTERS, "name": "mine"})()
        with pytest.raises(AssertionError, match="limit"):
            found.test_parameters_have_sensible_ranges()
        with pytest.raises(AssertionError):
            found.test_it_says_what_it_does()
    finally:
        FILTERS.forget("mine")


def test_a_taken_name_and_an_unknown_fact_are_refused():
    with pytest.raises(ValueError, match="'queue-depth' is registered already"):
        SCORERS.register("queue-depth")(kernel(lambda views, ask: None))
    with pytest.raises(ValueError, match=r"unknown fact 'queue_dept' \(did you mean 'queue_depth'"):
        SCORERS.register("other", reads=("queue_dept",))(lambda views, ask: None)


@pytest.mark.parametrize(
    ("about", "problem"),
    [
        ({"reads": "kv"}, "reads must be a tuple of facts, got the text 'kv'"),
        ({"limit": Bounds(1, 0)}, "limit must be Bounds"),
        ({"limit": (0, 1)}, "limit must be Bounds"),
    ],
)
def test_what_cannot_work_is_refused_when_it_is_registered(about, problem):
    with pytest.raises(TypeError, match=problem):
        FILTERS.register("mine", **about)(lambda limit, views, ask: None)
    assert "mine" not in FILTERS
