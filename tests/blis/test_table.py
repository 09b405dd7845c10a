import pytest

from blis.errors import InputError
from blis.policies.admission import ADMISSION
from blis.policies.routing import ROUTING
from blis.policies.scorers import SCORERS
from blis.table import Bounds, Table

TABLES = [ADMISSION, ROUTING, SCORERS]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.kind)
def test_codes_count_the_names_in_order(table):
    assert [table.code(name) for name in table] == list(range(len(list(table))))


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.kind)
def test_an_unknown_name_is_answered_with_the_nearest(table):
    name = next(iter(table))
    with pytest.raises(InputError, match=f"did you mean '{name}'.*choose one of"):
        table.code(name[:-1] + "x")


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.kind)
def test_every_template_says_what_it_does(table):
    assert all(kernel.py_func.__doc__ for kernel in table.kernels.values())


def test_a_template_with_the_wrong_arguments_is_refused():
    table = Table("demo", "a, b")
    with pytest.raises(TypeError, match=r"demo 'one' takes \(a\); expected \(limit, a, b\)"):

        @table.register("one", limit=Bounds(0, 1))
        def one(a):
            return a
