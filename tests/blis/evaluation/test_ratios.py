import numpy as np

from blis.evaluation.ratios import jain_index, per_s, ratio


def test_nothing_counted_is_zero():
    assert ratio(3, 0) == 0 and per_s(3, 0) == 0
    assert ratio(3, 4) == 0.75 and per_s(3, 2_000_000) == 1.5


def test_jain_index():
    assert jain_index(np.array([])) == 0
    assert jain_index(np.zeros(3)) == 1
    assert jain_index(np.array([2.0, 2.0])) == 1
    assert jain_index(np.array([5.0, 0, 0, 0])) == 0.25
