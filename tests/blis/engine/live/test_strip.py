from __future__ import annotations

import numpy as np

from blis.engine.live.strip import Strip


def test_paths_stand_apart_and_stretches_are_used_again():
    strip = Strip(4)
    first, second = strip.put(np.array([7, 8, 9])), strip.put(np.array([5]))
    assert strip.array.node[first : first + 3].tolist() == [7, 8, 9]
    assert strip.array.end_block[first : first + 3].tolist() == [1, 2, 3]
    assert strip.array.node[second] == 5
    strip.give_back(first, 3)
    length = len(strip.array)
    assert strip.put(np.array([1, 2, 3, 4])) == first
    assert strip.array.node[second] == 5 and len(strip.array) == length


def test_an_empty_path_takes_no_other_ones_place():
    strip = Strip(4)
    strip.give_back(strip.put(np.array([], int)), 0)
    first, second = strip.put(np.array([3])), strip.put(np.array([4]))
    assert first != second
