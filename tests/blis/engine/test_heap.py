from random import Random

import numpy as np
import pytest

from blis.engine import heap
from blis.engine.records import HEAP
from tests.kernels import callable_kernel

push, remove, find = (callable_kernel(kernel) for kernel in (heap.push, heap.remove, heap.find))


@pytest.mark.parametrize("seed", range(10))
def test_entries_come_out_in_order_of_key_then_tie(seed):
    rng = Random(seed)
    rows = np.zeros((2, 64), HEAP).view(np.recarray)
    twin: list[tuple[int, int, int]] = []
    for request in range(200):
        if twin and (rng.random() < 0.4 or len(twin) == 64):
            if rng.random() < 0.3:  # anybody may leave
                victim = rng.choice(twin)
                position = find(rows, 1, len(twin), victim[2])
            else:
                victim, position = min(twin), 0
                assert rows[1, 0].request == victim[2]
            remove(rows, 1, len(twin), position)
            twin.remove(victim)
        else:
            entry = (rng.randint(0, 9), request, request)
            push(rows, 1, len(twin), *entry)
            twin.append(entry)
    assert not rows[0].key.any()


def test_finding_a_request_that_is_not_there_fails():
    with pytest.raises(ValueError, match="not in heap"):
        find(np.zeros((1, 4), HEAP).view(np.recarray), 0, 0, 3)
