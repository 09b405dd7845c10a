import pytest

from blis.errors import InputError
from blis.policies.admission import ADMISSION
from blis.policies.registry import Bounds, Registry
from blis.policies.routing import ROUTING
from blis.policies.scorers import SCORERS

TABLES = [ADMISSION, ROUTING, SCORERS]


@pytest.mark.parametrize("registry", TABLES, ids=lambda registry: registry.kind)
def test_codes_count_the_names_in_order(registry):
    assert [registry.code(name) for name in registry] == list(range(len(list(registry))))


@pytest.mark.parametrize("registry", TABLES, ids=lambda registry: registry.kind)
def test_an_unknown_name_is_answered_with_the_nearest(registry):
    name = next(iter(registry))
    with pytest.raises(InputError, match=f"did you mean '{name}'.*choose one of"):
        registry.code(name[:-1] + "x")


@pytest.mark.parametrize("registry", TABLES, ids=lambda registry: registry.kind)
def test_every_template_says_what_it_does(registry):
    assert all(template.function.__doc__ for _, template in registry.items())


def test_a_template_with_the_wrong_arguments_is_refused():
    registry = Registry("demo", "a, b")
    with pytest.raises(TypeError, match=r"demo 'one' takes \(a\); expected \(limit, a, b\)"):

        @registry.register("one", limit=Bounds(0, 1))
        def one(a):
            return a
