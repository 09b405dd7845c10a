from __future__ import annotations

import numpy as np

from blis.serve.lengths import Lengths


def test_lengths_are_those_of_the_workload_the_same_in_every_run():
    given = np.array([0, 3, 9])
    drawn, again = Lengths(given), Lengths(given)
    first = [drawn.next() for _ in range(50)]
    assert set(first) == {1, 3, 9}
    assert first == [again.next() for _ in range(50)]


def test_without_a_workload_all_are_alike():
    lengths = Lengths()
    assert {lengths.next() for _ in range(5)} == {128}
