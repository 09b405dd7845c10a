"""Lengths: their distributions, and which go together."""

import numpy as np
import pytest
from scipy.stats import ks_2samp, spearmanr

from blis.workload.draw.coupling import check_coupling
from blis.workload.profile.bins import LEAST
from blis.workload.profile.lengths import fit_lengths


def fitted(inputs, outputs):
    """What is found of requests that open what they belong to."""
    return fit_lengths(inputs, outputs, np.ones(len(inputs), bool))


def test_both_distributions_are_found():
    random = np.random.default_rng(2)
    inputs, outputs = random.geometric(1 / 500, 5000), random.geometric(1 / 80, 5000)
    found = fitted(inputs, outputs)
    for law, values in ((found.inputs, inputs), (found.outputs, outputs)):
        assert law.mean_tokens == pytest.approx(values.mean(), rel=0.01)
        assert ks_2samp(law.sample(np.random.default_rng(3), 20_000), values).statistic < 0.03


@pytest.mark.parametrize("sign", [1, -1])
def test_lengths_that_go_together_are_coupled(sign):
    random = np.random.default_rng(4)
    inputs = random.geometric(1 / 500, 4000)
    outputs = np.argsort(np.argsort(sign * inputs)) + random.integers(1, 1000, 4000)
    coupling = np.array(fitted(inputs, outputs).coupling)
    row, column = np.nonzero(coupling)
    middle = spearmanr(
        np.repeat(row, coupling[row, column].astype(int)), np.repeat(column, coupling[row, column].astype(int))
    )
    assert middle.statistic == pytest.approx(spearmanr(inputs, outputs).statistic, abs=0.03)


def test_no_cell_tells_of_a_few_requests_and_few_requests_of_no_cells():
    random = np.random.default_rng(5)
    inputs = random.geometric(1 / 500, 2000)
    outputs = inputs + random.integers(1, 100, 2000)
    cells = np.array(fitted(inputs, outputs).coupling)
    assert cells[cells > 0].min() >= LEAST
    assert fitted(inputs[:60], outputs[:60]).coupling is None


def test_a_cell_of_a_few_requests_is_not_told():
    """Of 400 requests three have a short prompt and a long output, and three the other way round."""
    inputs = np.arange(1, 401)
    outputs = inputs.copy()
    outputs[:3], outputs[-3:] = inputs[-3:], inputs[:3]
    found = np.array(fitted(inputs, outputs).coupling)
    assert found.shape == (4, 4)
    assert np.count_nonzero(found) == 4 and (np.diag(found) >= 97).all()


def test_a_coupling_that_would_change_the_outputs_is_not_told():
    """Cells of a few that are all in one column leave too little of it: fewer and larger parts, or none."""
    inputs = np.arange(1, 1281)
    outputs = inputs.copy()
    part = len(inputs) // 8
    strays = np.arange(8)[:, None] * part + np.arange(4)  # four of each part have the outputs of the last
    outputs[strays.ravel()] = 10_000 + np.arange(strays.size)
    found = fitted(inputs, outputs).coupling
    assert found is not None
    check_coupling("length_coupling", found)


def test_prompts_that_open_conversations_are_told_apart():
    """They are of 1,000 tokens more, and in each kind the longer prompts have the longer outputs."""
    random = np.random.default_rng(6)
    opens = np.arange(4000) % 4 == 0
    outputs = random.integers(1, 1000, 4000)
    found = fit_lengths(outputs + np.where(opens, 1000, 0), outputs, opens)
    assert found.inputs.mean_tokens == pytest.approx(outputs[~opens].mean(), rel=0.01)
    assert found.first_inputs.mean_tokens == pytest.approx(1000 + outputs[opens].mean(), rel=0.01)
    coupling = np.array(found.coupling)
    assert np.trace(coupling) > 0.9 * coupling.sum()


def test_a_few_later_prompts_have_no_distribution_of_their_own():
    inputs = np.arange(1, 101)
    found = fit_lengths(inputs, inputs, inputs > LEAST - 1)
    assert found.first_inputs is None
    assert sum(found.inputs.params.values()) == 100
