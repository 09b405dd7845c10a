"""The order of the wait queue: the smallest key first."""

from types import SimpleNamespace

import numpy as np
import pytest

from blis.policies.schedulers import (
    fcfs,
    least_attained_service,
    priority_fcfs,
    reverse_priority,
    shortest_output,
    shortest_predicted_output,
    sjf,
)

COLUMNS = SimpleNamespace(
    priority=np.array([1.0, 3.0, 2.0]),
    input_tokens=np.array([30, 20, 10]),
    output_tokens=np.array([100, 10, 50]),
    length_noise=np.array([-3.0, 3.0, 0.0]),
)


@pytest.mark.parametrize(
    ("scheduler", "parameters", "order"),
    [
        (fcfs, (), [0, 1, 2]),
        (least_attained_service, (), [0, 1, 2]),  # the engine adds what tenants were given
        (priority_fcfs, (), [1, 2, 0]),
        (reverse_priority, (), [0, 2, 1]),
        (sjf, (), [2, 1, 0]),
        (shortest_output, (), [1, 2, 0]),
        (shortest_predicted_output, (0.0,), [1, 2, 0]),
        (shortest_predicted_output, (1.0,), [0, 2, 1]),  # 5, 201 and 50 tokens
    ],
)
def test_order(scheduler, parameters: tuple[float, ...], order: list[int]):
    assert np.argsort(scheduler(*parameters, COLUMNS), kind="stable").tolist() == order
