"""An instance that fails in the midst of its work and serves again is as good as new."""

from random import Random

import pytest

from tests.laws.against_oracle import compare
from tests.laws.random_cases import failing, failing_case
from tests.laws.tight_cases import tight_case


@pytest.mark.parametrize("number", range(40))
def test_an_instance_that_serves_again_is_as_the_plain_one(number):
    compare(failing_case(Random(number), max_requests=4 + number // 4))


@pytest.mark.parametrize("number", range(40))
def test_the_same_where_caches_are_tight(number):
    compare(failing(Random(number), tight_case(number)))
