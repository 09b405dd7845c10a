"""What a latency model stands on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blis.config import LatencyModel
from blis.latency.fitted import Fitted
from blis.latency.standing import (
    DATASHEET,
    E2E,
    EXPECTED,
    FITTED,
    GIVEN,
    SHIPPED,
    STEP,
    UNKNOWN_ERROR,
    Standing,
    standing,
)
from blis.scenario import load_scenario

LINEAR = LatencyModel("linear", beta=(), parameters={"fixed_us": 1.0})


def loaded(**latency: object) -> LatencyModel:
    return load_scenario({"instance": {"latency_model": latency}}).instance.latency_model


def test_a_fit_is_as_far_off_as_it_was_measured():
    found = standing(replace(LINEAR, fitted=Fitted("log.csv", 120, {"ttft_mape": 9.0, "e2e_mape": 2.25})))
    assert found.to_dict() == {"state": FITTED, "source": "log.csv", "error_percent": 2.25, "n": 120, "error_of": E2E}
    assert "fitted to log.csv; E2E off by 2.2 %" in str(found) and "not told" not in str(found)


def test_a_fit_says_what_its_log_did_not_tell():
    found = standing(replace(LINEAR, fitted=Fitted("log.csv", 120, not_told=("fixed_us", "pair_us"))))
    assert found.to_dict()["not_told"] == ["fixed_us", "pair_us"]
    assert str(found).endswith("not told by the log: fixed_us, pair_us")
    assert str(Standing(**found.to_dict())) == str(found)


@pytest.mark.parametrize(
    ("errors", "percent", "of", "said"),
    [
        ({"step_mape": 4.0}, 4.0, STEP, "fitted to a.csv; steps off by 4.0 % on what the fit did not see"),
        ({}, UNKNOWN_ERROR, EXPECTED, "fitted to a.csv; nothing held out; expect an error of about 20 %"),
    ],
)
def test_a_fit_of_steps_has_their_error_and_one_that_saw_all_none(errors, percent: float, of: str, said: str):
    found = standing(replace(LINEAR, fitted=Fitted("a.csv", 50, errors)))
    assert (found.error_percent, found.error_of, str(found)) == (percent, of, said)


def test_coefficients_of_the_table_are_shipped_until_somebody_changes_them():
    table = loaded(model="meta-llama/llama-3.1-8b-instruct", gpu="H100", tp=2)
    assert standing(table).state == SHIPPED and "vLLM" in standing(table).source
    assert standing(replace(table, beta=(1.0, 2.0, 3.0))).state == GIVEN


def test_a_roofline_stands_on_data_sheets_and_plain_numbers_on_nothing():
    found = standing(loaded(kind="roofline", model="qwen3-14b", gpu="H100", tp=1))
    assert found.state == DATASHEET and "qwen3-14b on H100" in found.source
    assert found.error_percent < UNKNOWN_ERROR
    assert standing(LINEAR).state == GIVEN and standing(LINEAR).error_of == found.error_of == EXPECTED
