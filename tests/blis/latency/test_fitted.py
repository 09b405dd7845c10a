"""Where parameters come from."""

from __future__ import annotations

from typing import Any

import pytest

from blis.config import LatencyModel
from blis.errors import InputError
from blis.latency.fitted import Fitted


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"source": ""}, "fitted.source must say where the coefficients come from"),
        ({"n": 0}, "fitted.n must be >= 1"),
        ({"error": {"e2e_mape": -1.0}}, "fitted.error.e2e_mape"),
        ({"error": {"e2e_mape": float("nan")}}, "fitted.error.e2e_mape must be finite"),
    ],
)
def test_what_it_must_say(given: dict[str, Any], said: str):
    with pytest.raises(InputError, match=said):
        Fitted(**{"source": "x", "n": 9, **given})


def test_a_draw_is_checked_as_parameters_are_before_anything_is_simulated():
    fitted = Fitted("x", 9, draws=({"fixed_us": 1.0}, {"fixed_us": 1.0, "decode_us": 2.0}))
    with pytest.raises(InputError, match="'decode_us'"):
        LatencyModel("linear", beta=(), parameters={"fixed_us": 1.0}, fitted=fitted)
