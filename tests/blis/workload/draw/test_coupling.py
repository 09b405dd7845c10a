"""Coupled lengths: outputs stand where their prompts say."""

import numpy as np
import pytest

from blis.errors import InputError
from blis.workload.draw.coupling import check_coupling, coupled_shares
from blis.workload.draw.generate import generate
from blis.workload.draw.spec import load_spec

BINS = {"type": "empirical", "params": {str(100 * i): 1 for i in range(1, 11)}}


def drawn(**changes):
    client = {
        "rate_fraction": 1,
        "arrival": {"process": "poisson"},
        "input_distribution": BINS,
        "output_distribution": BINS,
        **changes,
    }
    return generate(load_spec({"version": "2", "aggregate_rate": 10, "num_requests": 4000, "clients": [client]}), 1)


def test_outputs_follow_the_rows_of_their_prompts_and_keep_their_own_distribution():
    table = drawn(length_coupling=[[1, 3], [6, 2]])  # rows count alike, whatever they sum to
    long_prompt, long_output = table.input_tokens > 500, table.output_tokens > 500
    assert long_output[~long_prompt].mean() == pytest.approx(3 / 4, abs=0.03)
    assert long_output[long_prompt].mean() == pytest.approx(1 / 4, abs=0.03)
    assert np.bincount(table.output_tokens // 100)[1:] / 4000 == pytest.approx(0.1, abs=0.02)


def test_prompts_are_those_without_coupling():
    np.testing.assert_array_equal(drawn(length_coupling=[[1, 0], [0, 1]]).input_tokens, drawn().input_tokens)


def test_a_prompt_at_the_very_end_is_in_the_last_part():
    shares = coupled_shares([[1, 0], [0, 1]], np.array([0.0, 0.999999]), np.full(2, 0.5), np.full(2, 0.5))
    assert shares.tolist() == [0.25, 0.75]


@pytest.mark.parametrize(
    ("coupling", "said"),
    [
        ([], "length_coupling: at least one row"),
        ([[1, 2], [1]], r"length_coupling\[1\]: 2 weights"),
        ([[1, -1]], r"length_coupling\[0\]\[1\]"),
        ([[1, 1], [0, 0]], r"length_coupling\[1\]: the weights must sum"),
        ([[1]], "length_coupling: one part goes with all"),
        ([[1], [2]], "length_coupling: one part goes with all"),
        ([[0, 1], [3, 1]], r"length_coupling: column 0 has 0\.75 times its share"),
    ],
)
def test_what_is_no_coupling_is_refused(coupling, said):
    with pytest.raises(InputError, match=said):
        check_coupling("length_coupling", coupling)


def test_only_bins_can_be_coupled():
    with pytest.raises(InputError, match="both lengths must be empirical"):
        drawn(length_coupling=[[1, 1], [1, 1]], output_distribution={"type": "exponential", "params": {"mean": 5}})
