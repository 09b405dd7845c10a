"""Clients that give up and ask again, against the oracle on random scenarios, and against what is known of them."""

from random import Random

import pytest

from tests.laws.against_oracle import compare
from tests.laws.random_cases import impatient, impatient_case
from tests.laws.tight_cases import tight_case


@pytest.mark.parametrize("number", range(100))
def test_engine_equals_oracle_where_clients_give_up(number: int):
    compare(impatient_case(Random(number), max_requests=2 + number // 6))
    compare(impatient(Random(number), tight_case(number)))
