"""What to keep in mind: every state of a latency model, and the verdict's own doubts."""

import pytest

from blis.latency.standing import DATASHEET, FITTED, GIVEN, SHIPPED
from search.report.trust import warnings


def model(state):
    return {"state": state, "source": "a.csv", "error_percent": 2.5, "n": 60, "ensemble": 0}


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (FITTED, "fitted to a log of a real server"),
        (SHIPPED, "somebody else's"),
        (DATASHEET, "data sheets"),
        (GIVEN, "nothing here says where they come from"),
    ],
)
def test_what_step_times_stand_on(state, words):
    (text,) = warnings({"latency_model": model(state)})
    assert words in text and "a.csv" in text and text.endswith("the intervals do not cover it.")


def test_doubts_come_first():
    found = warnings({"doubts": ["there is one instance."], "latency_model": model(FITTED), "reproducible": False})
    assert found[0] == "There is one instance."
    assert found[-1].startswith("The budget was in seconds")


@pytest.mark.parametrize(("completed", "told"), [(3280.0, 1), (3999.0, 0), (4000.0, 0)])
def test_who_is_sent_away_has_no_latency(completed, told):
    measured = {"winner_mean": {"completed_requests": completed}, "primary_mean": {"completed_requests": 4000.0}}
    found = warnings({"primary": "llm-d", "measured": measured})
    assert len(found) == told
    assert all("completes 18.0% fewer requests than llm-d" in text for text in found)


def test_numbers_that_warn():
    load = {"offered_per_s": 41.26, "instances": 4, "waited_share": 0.0623}
    optimism, measured = warnings({"optimism": 0.014, "load": load})
    assert "0.014" in optimism
    assert "41.3 requests/s on 4 instances, where 6.2% of the requests wait" in measured
    assert warnings({"optimism": -0.01}) == warnings({}) == []
