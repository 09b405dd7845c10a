"""Terms of a model: what a step has of each, and the parameters that they become."""

from __future__ import annotations

import numpy as np
import pytest

from blis.config import Compat, LatencyModel
from blis.fit.terms import BASE, OPTIONAL, RAMP, Terms
from blis.latency import LATENCY
from blis.latency.step import Step
from blis.tables.records import KEPT_STEP

STEP = Step(prefills=2, prefill_tokens=30, prefill_pairs=700, prefill_context=9, decodes=4, decode_context=500)


def steps(*members: Step) -> np.ndarray:
    made = np.zeros(len(members), KEPT_STEP)
    for name in Step._fields:
        made[name] = [getattr(step, name) for step in members]
    return made


def test_a_column_is_what_a_step_has_of_a_term():
    terms = Terms((*BASE, "context_us_token", "pair_us", "prefill_us_request"))
    assert terms.columns(steps(STEP, Step())).tolist() == [[1, 30, 4, 500, 700, 2], [1, 0, 0, 0, 0, 0]]


@pytest.mark.parametrize("more", [(), (RAMP,), ("pair_us", RAMP), OPTIONAL])
@pytest.mark.parametrize("step", [STEP, STEP._replace(drafts=8), Step(decodes=1, decode_context=9), Step()])
def test_prices_times_columns_are_what_the_latency_model_says(more: tuple[str, ...], step: Step):
    terms = Terms((*BASE, *more), 8.0)
    prices = [1000.0 / (place + 1) for place in range(len(terms.names))]
    model = LatencyModel("linear", beta=(), parameters=terms.parameters(prices))
    expected = LATENCY.step_us(model, step, Compat()) - 0.5  # it rounds
    assert float(terms.columns(steps(step))[0] @ prices) == pytest.approx(expected)


def test_a_free_term_is_left_out_unless_every_model_has_it():
    terms = Terms((*BASE, "pair_us", RAMP))
    assert terms.without_free([0, 0, 0, 0, 5]).names == (*BASE, RAMP)
    assert terms.without_free([1, 1, 1, 1, 1]) == terms


def test_a_model_is_called_by_its_optional_terms():
    assert Terms().label == "no more"
    assert Terms((*BASE, "pair_us", RAMP), 32.0).label == "pair_us + ramp_us(32)"


def test_wider_terms_have_one_price_more():
    wider = Terms((*BASE, "pair_us")).wider()
    assert [set(terms.names) - {*BASE, "pair_us"} for terms in wider] == [{"context_us_token"}, {"prefill_us_request"}]
    assert all(terms.names[:4] == (*BASE, "pair_us") for terms in wider)
