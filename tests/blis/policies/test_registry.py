import pytest

from blis.errors import InputError
from blis.policies.admission import ADMISSION
from blis.policies.registry import Bounds, Registry
from blis.policies.routing import ROUTING
from blis.policies.scorers import LLM_D_NAMES, SCORERS

TABLES = [ADMISSION, ROUTING, SCORERS]


@pytest.mark.parametrize("registry", TABLES, ids=lambda registry: registry.kind)
def test_codes_count_the_names_in_order(registry):
    assert [registry.code(name) for name in registry] == list(range(len(list(registry))))


@pytest.mark.parametrize("registry", TABLES, ids=lambda registry: registry.kind)
def test_an_unknown_name_is_answered_with_the_nearest(registry):
    name = next(iter(registry))
    with pytest.raises(InputError, match=f"did you mean '{name}'.*choose one of"):
        registry.code(name[:-1] + "x")


@pytest.mark.parametrize(
    ("theirs", "ours"), [("prefix-cache-scorer", "prefix-affinity"), ("queue-scorer", "queue-waiting")]
)
def test_a_name_of_llm_d_is_answered_with_ours(theirs, ours):
    with pytest.raises(InputError, match=f"unknown routing scorer '{theirs}' .it is called '{ours}' here"):
        SCORERS.code(theirs)


def test_what_others_call_ours_is_there():
    assert set(LLM_D_NAMES.values()) <= set(SCORERS)
    assert not set(LLM_D_NAMES) & set(SCORERS)


@pytest.mark.parametrize("registry", TABLES, ids=lambda registry: registry.kind)
def test_every_template_says_what_it_does(registry):
    assert all(template.function.__doc__ for _, template in registry.items())


def test_a_template_with_the_wrong_arguments_is_refused():
    registry = Registry("demo", "a, b")
    with pytest.raises(TypeError, match=r"demo 'one' takes \(a\); expected \(limit, a, b\)"):

        @registry.register("one", limit=Bounds(0, 1))
        def one(a):
            return a
