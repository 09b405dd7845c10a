from dataclasses import replace

import numpy as np
import pytest

from blis.errors import InputError
from blis.evaluation.steady import steady_rates
from blis.tables.records import COMPLETED, REJECTED
from tests.blis.handmade import make_result, make_table

EPOCH_US = 1_700_000_000_000_000


@pytest.mark.parametrize("start_us", [0, EPOCH_US])
def test_what_ends_between_the_warm_up_and_the_last_arrival_counts(start_us):
    table = make_table(5, output_tokens=[1, 10, 20, 40, 80])
    table = replace(table, arrival_us=start_us + np.arange(5) * 1_000_000)
    # ends at 1, 2, 3, 4 and 5 s; the one that would end at 3 s is rejected
    result = make_result(table, 1_000_000, tpot_us=0, status=[COMPLETED, COMPLETED, REJECTED, COMPLETED, COMPLETED])
    found = steady_rates(table, result, 2)
    assert (found.window_s, found.requests_per_s, found.tokens_per_s) == (2, 1, 25)
    assert found.to_dict()["steady_tokens_per_sec"] == 25


@pytest.mark.parametrize("warm_up_s", [4, 5])
def test_a_warm_up_must_leave_something(warm_up_s):
    table = replace(make_table(5), arrival_us=np.arange(5) * 1_000_000)
    with pytest.raises(InputError, match="leaves nothing of the 4 s between first and last arrival"):
        steady_rates(table, make_result(table, 5), warm_up_s)
