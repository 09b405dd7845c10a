from random import Random

import numpy as np
import pytest

from blis.engine import agenda
from blis.engine.records import NEVER_US
from tests.kernels import callable_kernel

clear, note, soonest_us, soonest_other_us, first_before = map(
    callable_kernel,
    (agenda.clear, agenda.note, agenda.soonest_us, agenda.soonest_other_us, agenda.first_before),
)


@pytest.mark.parametrize(("instances", "entries"), [(1, 2), (2, 4), (3, 8), (5, 16), (8, 16)])
def test_the_soonest_and_the_first_of_those_before_an_instant(instances, entries):
    rng, entry, twin = Random(instances), np.empty(entries, np.int64), [NEVER_US] * instances
    clear(entry)
    assert soonest_us(entry) == NEVER_US
    for _ in range(200):
        i = rng.randrange(instances)
        twin[i] = rng.choice([NEVER_US, rng.randint(0, 20)])
        note(entry, i, twin[i])
        assert soonest_us(entry) == min(twin)
        assert soonest_other_us(entry, i) == min([*twin[:i], *twin[i + 1 :], NEVER_US])
        for until_us in range(min(twin) + 1, 22):
            assert first_before(entry, until_us) == next(j for j in range(instances) if twin[j] < until_us)
