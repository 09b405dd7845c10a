"""Lengths: half as many tokens more, of outputs or of the prompts' own text."""

import pytest

from blis.errors import InputError
from search.shifts.lengths import SHIFTS
from tests.search.shifts.problems import LENGTHS, of_clients, of_population


def means(problem):
    table = problem.table(5)
    return table.input_tokens.mean(), table.output_tokens.mean()


def test_outputs_are_longer_and_prompts_are_not(tmp_path):
    problem = of_population(tmp_path, "workload.first=2000")
    (prompt, output), (same, longer) = means(problem), means(SHIFTS["outputs x1.5"](problem))
    assert same == prompt
    assert longer == pytest.approx(1.5 * output, rel=0.01)


def test_prompts_grow_by_half_of_their_own_text(tmp_path):
    """Of 900 tokens in the mean; prefixes stay."""
    problem = of_population(tmp_path, "workload.first=8000")
    (prompt, output), (longer, same) = means(problem), means(SHIFTS["prompts x1.5"](problem))
    assert same == output
    assert longer - prompt == pytest.approx(450, rel=0.05)


def test_all_numbers_of_tokens_are_scaled(tmp_path):
    problem = SHIFTS["outputs x1.5"](of_clients(tmp_path, {"rate_fraction": 1.0}))
    (client,) = problem.workload.clients
    assert client.output_distribution.params == {"mean": 150, "min": 3, "max": 600}
    assert client.input_distribution.params["mean"] == 100


def test_what_may_be_no_number_of_tokens_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("search.shifts.lengths._TOKENS", ("mean", "max"))
    with pytest.raises(InputError, match="min of length distribution 'exponential' may not be a number of tokens"):
        SHIFTS["outputs x1.5"](of_clients(tmp_path, {"rate_fraction": 1.0}))


def test_histograms_and_the_text_of_parts_are_scaled(tmp_path):
    bins = {"type": "empirical", "params": {"10": 1, "11": 2, "400": 1}}
    parts = {"text_distribution": LENGTHS, "image_distribution": bins, "image_count_distribution": bins}
    problem = of_clients(tmp_path, {"rate_fraction": 1.0, "output_distribution": bins, "multimodal": parts})
    (longer,) = SHIFTS["outputs x1.5"](problem).workload.clients
    assert longer.output_distribution.params == {"15": 1, "16": 2, "600": 1}
    (longer,) = SHIFTS["prompts x1.5"](problem).workload.clients
    assert longer.multimodal.text_distribution.params["mean"] == 150
    assert longer.multimodal.image_distribution.params == bins["params"]


def test_a_law_that_says_how_is_scaled_as_it_says(tmp_path):
    tails = {"alpha": 2.5, "xm": 50, "mu": 5.0, "sigma": 0.8, "mix_weight": 0.3, "max": 4000}
    lengths = {"type": "pareto_lognormal", "params": tails}
    problem = of_clients(tmp_path, {"rate_fraction": 1.0, "output_distribution": lengths})
    (before,), (after,) = problem.workload.clients, SHIFTS["outputs x1.5"](problem).workload.clients
    assert after.output_distribution.mean_tokens == pytest.approx(
        1.5 * before.output_distribution.mean_tokens, rel=1e-3
    )
    assert after.output_distribution.params["max"] == 6000


def test_prompts_that_open_conversations_grow_too(tmp_path):
    talks = {"multi_turn": {"max_rounds": 2, "first_input_distribution": {"type": "constant", "params": {"value": 80}}}}
    problem = of_clients(tmp_path, {"rate_fraction": 1.0, "reasoning": talks})
    (prompts,), (outputs,) = (SHIFTS[f"{what} x1.5"](problem).workload.clients for what in ("prompts", "outputs"))
    assert prompts.first_input_distribution.params == {"value": 120}
    assert outputs.first_input_distribution.params == {"value": 80}
