"""Clients as arrays, and refused where there are none."""

from dataclasses import replace

import numpy as np
import pytest

from blis.config import Clients, Compat
from blis.engine.build.clients import pauses_us
from blis.engine.run import simulate
from blis.errors import InputError
from blis.tables.attempts import with_attempts
from tests.blis.engine.plain_times import deployment, requests


def test_the_original_knows_no_such_clients():
    scenario = replace(deployment(), clients=Clients(timeout_us=10))
    with pytest.raises(InputError, match="clients: those of the original wait for ever"):
        simulate(scenario, requests([0]), Compat.original())


def test_pauses_double_and_are_shorter_by_what_is_drawn():
    table = requests([0] * 500, uniform=np.random.default_rng(1).random(500))
    clients = Clients(attempts=3, backoff_us=1000, jitter=0.25)
    first, second, third = pauses_us(clients, with_attempts(table, 3), 500).reshape(3, 500)
    assert (first == 0).all()
    assert 750 <= second.min() < 760 < 990 < second.max() <= 1000
    assert 1500 <= third.min() < 1520 < 1980 < third.max() <= 2000


def test_clients_that_do_nothing_change_nothing():
    table = requests([0, 5, 9], 3)
    result = simulate(replace(deployment(), clients=Clients(backoff_us=7, cancel=False)), table)
    assert (result.attempts, result.asked, result.gave_up_us) == (None, None, None)


def test_patient_clients_get_what_all_get():
    table = requests([0, 5, 9], 3)
    plain = simulate(deployment(), table)
    result = simulate(replace(deployment(), clients=Clients(timeout_us=10**9, attempts=2)), table)
    for name in ("status", "completed_us", "e2e_us", "ttft_us", "cached_tokens"):
        np.testing.assert_array_equal(getattr(result, name), getattr(plain, name))
