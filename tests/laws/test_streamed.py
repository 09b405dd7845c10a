"""A run whose requests come in chunks gives what a run of the table of all of them gives."""

from __future__ import annotations

import pytest

from tests.laws.stream_cases import compare_streamed


def test_a_run_in_chunks_equals_a_whole_run():
    assert sum(compare_streamed(seed) for seed in range(250)) > 100


@pytest.mark.slow
def test_it_does_in_five_thousand_cases():
    for seed in range(1000, 9000):
        compare_streamed(seed)
