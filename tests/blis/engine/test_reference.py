"""One pointer instead of a tuple: fields are found by name, and arrays and records are the caller's own."""

from typing import Any, NamedTuple

import numpy as np
import pytest

from blis.engine.reference import refer
from blis.errors import InputError
from blis.jit import kernel
from tests.kernels import callable_kernel


class Things(NamedTuple):
    record: Any
    numbers: Any
    table: Any


@kernel
def change(w):
    w.record.total += w.numbers.sum()
    w.table[1, 0] = w.table.shape[1]


@callable_kernel
def work(things):
    w = refer(things)
    change(w)
    change(w)


@callable_kernel
def ask_for_nothing(things):
    return refer(things).nothing


def things() -> Things:
    return Things(np.zeros(1, [("total", "i8")])[0], np.arange(5), np.zeros((2, 3)))


@pytest.mark.parametrize("plain", ["", "1"])
def test_kernels_work_on_the_records_and_arrays_of_the_caller(plain, monkeypatch):
    monkeypatch.setenv("BLIS_PLAIN_KERNELS", plain)
    given = things()
    work(given)
    assert given.record["total"] == 20
    assert given.table.tolist() == [[0, 0, 0], [3, 0, 0]]


def test_an_unknown_field_does_not_compile():
    with pytest.raises(InputError, match="nothing"):
        ask_for_nothing(things())
