"""Equal tables have equal digests; every column and name counts."""

from dataclasses import fields, replace

import numpy as np
import pytest

from blis.tables.digest import table_digest
from blis.workload.draw.generate import generate
from search.application import compose_settings


@pytest.fixture(scope="module")
def spec():
    return compose_settings(["workload.first=50", "tracking=none"]).problem.workload


def test_the_same_requests_have_the_same_digest(spec):
    one, other = generate(spec, 3), generate(spec, 3)
    one.cache["anything"] = 1
    assert table_digest(one) == table_digest(other)
    assert table_digest(one) != table_digest(generate(spec, 4))


def test_every_column_and_name_counts(spec):
    table = generate(spec, 3)
    for field in fields(table):
        value = getattr(table, field.name)
        if isinstance(value, np.ndarray):
            changed = value.copy()
            changed[-1] += 1
            assert table_digest(replace(table, **{field.name: changed})) != table_digest(table), field.name
    assert table_digest(replace(table, scored=(0, 3))) != table_digest(table)
    assert table_digest(replace(table, slo_names=("x",))) != table_digest(table)
