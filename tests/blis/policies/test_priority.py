"""How urgent a waiting request is: what each policy puts before what."""

from types import SimpleNamespace

import numpy as np
import pytest

from blis.policies.priority import class_age, constant, deadline, inverted_slo, slack, slo_based, slo_tiers

#: An old batch request with a long prompt, a young critical one, an old critical one with a later target.
COLUMNS = SimpleNamespace(
    arrival_us=np.array([0, 9_000_000, 1_000_000]),
    input_tokens=np.array([5000, 100, 100]),
    class_priority=np.array([-1.0, 4.0, 4.0]),
    class_weight=np.array([1.0, 2.0, 1.0]),
    ttft_us=np.array([4e6, 4e5, 9e6]),
)


@pytest.mark.parametrize(
    ("policy", "parameters", "expected"),
    [
        (constant, (), [0, 0, 0]),
        (slo_based, (), [0, -9, -1]),
        (inverted_slo, (), [0, 9, 1]),
        (class_age, (0.1,), [-1, 3.1, 3.9]),
        (class_age, (10,), [-1, -86, -6]),
        (slo_tiers, (6,), [-1, 7.1, 3.9]),
        (deadline, (), [-4, -9.4, -10]),
        (slack, (0,), [-4, -9.4, -10]),
        (slack, (2000,), [6, -9.2, -9.8]),
    ],
)
def test_urgency(policy, parameters: tuple[float, ...], expected: list[float]):
    assert np.asarray(policy(*parameters, COLUMNS)).tolist() == pytest.approx(expected)
