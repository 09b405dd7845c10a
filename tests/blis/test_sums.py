from hypothesis import given
from hypothesis import strategies as st

from blis.sums import total


@given(st.lists(st.floats(-1e9, 1e9)))
def test_floats_are_added_one_after_the_other(values):
    found = 0.0
    for value in values:
        found = found + value
    assert total(values) == found


def test_nothing_is_compensated():
    assert total([1e16, 1.0, 1.0]) == 1e16  # a compensated sum gives 1e16 + 2
    assert total([]) == 0.0
