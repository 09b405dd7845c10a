from __future__ import annotations

import numpy as np
import pytest

from blis.evaluation.growing import Growing


def test_parts_are_one_column_as_narrow_as_they_allow():
    column = Growing(np.int16, np.int32, np.int64)
    column.add(np.array([1, -1]))
    column.add(np.array([2**15 - 1]))
    column.add(np.empty(0, np.int64))
    assert column.take().dtype == np.int16
    for value in (5, 2**40, -(2**15)):
        column.add(np.array([value]))
    found = column.take()
    assert found.dtype == np.int64 and found.tolist() == [5, 2**40, -(2**15)]


def test_what_no_type_holds_is_refused():
    with pytest.raises(OverflowError, match="2147483648"):
        Growing(np.int32).add(np.array([2**31]))
