"""Lengths: their distributions, and which go together."""

import numpy as np
import pytest
from scipy.stats import ks_2samp, spearmanr

from blis.workload.draw.coupling import check_coupling
from blis.workload.profile.bins import LEAST
from blis.workload.profile.lengths import fit_lengths


def test_both_distributions_are_found():
    random = np.random.default_rng(2)
    inputs, outputs = random.geometric(1 / 500, 5000), random.geometric(1 / 80, 5000)
    found = fit_lengths(inputs, outputs)
    for law, values in ((found.inputs, inputs), (found.outputs, outputs)):
        assert law.mean_tokens == pytest.approx(values.mean(), rel=0.01)
        assert ks_2samp(law.sample(np.random.default_rng(3), 20_000), values).statistic < 0.03


@pytest.mark.parametrize("sign", [1, -1])
def test_lengths_that_go_together_are_coupled(sign):
    random = np.random.default_rng(4)
    inputs = random.geometric(1 / 500, 4000)
    outputs = np.argsort(np.argsort(sign * inputs)) + random.integers(1, 1000, 4000)
    coupling = np.array(fit_lengths(inputs, outputs).coupling)
    row, column = np.nonzero(coupling)
    middle = spearmanr(
        np.repeat(row, coupling[row, column].astype(int)), np.repeat(column, coupling[row, column].astype(int))
    )
    assert middle.statistic == pytest.approx(spearmanr(inputs, outputs).statistic, abs=0.03)


def test_no_cell_tells_of_a_few_requests_and_few_requests_of_no_cells():
    random = np.random.default_rng(5)
    inputs = random.geometric(1 / 500, 2000)
    outputs = inputs + random.integers(1, 100, 2000)
    cells = np.array(fit_lengths(inputs, outputs).coupling)
    assert cells[cells > 0].min() >= LEAST
    assert fit_lengths(inputs[:60], outputs[:60]).coupling is None


def test_a_cell_of_a_few_requests_is_not_told():
    """Of 400 requests three have a short prompt and a long output, and three the other way round."""
    inputs = np.arange(1, 401)
    outputs = inputs.copy()
    outputs[:3], outputs[-3:] = inputs[-3:], inputs[:3]
    found = np.array(fit_lengths(inputs, outputs).coupling)
    assert found.shape == (4, 4)
    assert np.count_nonzero(found) == 4 and (np.diag(found) >= 97).all()


def test_a_coupling_that_would_change_the_outputs_is_not_told():
    """Cells of a few that are all in one column leave too little of it: fewer and larger parts, or none."""
    inputs = np.arange(1, 1281)
    outputs = inputs.copy()
    part = len(inputs) // 8
    strays = np.arange(8)[:, None] * part + np.arange(4)  # four of each part have the outputs of the last
    outputs[strays.ravel()] = 10_000 + np.arange(strays.size)
    found = fit_lengths(inputs, outputs).coupling
    assert found is not None
    check_coupling("length_coupling", found)
