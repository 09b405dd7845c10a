"""Arrays of records: how they begin, and their fields by name."""

from __future__ import annotations

import numpy as np
import pytest

from blis.engine.build.arrays import blank, filled, listed, room

PAIR = np.dtype([("first", "i8"), ("second", "f8")], align=True)


def test_records_begin_blank_or_as_told():
    assert blank(PAIR, (2, 3)).first.tolist() == [[0, 0, 0], [0, 0, 0]]
    assert filled(PAIR, 3, (7, 0.5)).second.tolist() == [0.5, 0.5, 0.5]
    assert listed(PAIR, [(1, 2.5), (3, 4.5)]).first.tolist() == [1, 3]
    assert room(PAIR, (4, 2)).shape == (4, 2)


def test_a_field_of_one_record_can_be_set_by_name():
    rows = blank(PAIR, 2)
    rows[1].first = 9
    assert rows.first.tolist() == [0, 9]
    assert rows.dtype.names == ("first", "second")


def test_a_field_of_all_records_can_be_set_by_name():
    rows = blank(PAIR, 3)
    rows.second = 2.5
    rows.first[1] = 4
    assert rows.tolist() == [(0, 2.5), (4, 2.5), (0, 2.5)]


def test_records_within_records_have_names_too():
    rows = listed(np.dtype([("pair", PAIR), ("number", "i8")]), [((1, 2.5), 3)])
    assert (rows.pair.first.tolist(), rows[0].pair.second) == ([1], 2.5)


def test_what_is_no_field_is_an_error():
    with pytest.raises(AttributeError, match="no field 'third'"):
        _ = blank(PAIR, 1).third
