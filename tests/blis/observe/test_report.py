"""Figures by their definitions, on answers whose times are known."""

from __future__ import annotations

import json

import pytest

from blis.errors import InputError
from blis.observe.report import check_promises, doubts, figures, report_text
from blis.sizing.sizing import Promise
from tests.blis.observe.seens import SEEN, observed, whole


def test_latencies_are_of_whole_answers_from_when_they_were_sent():
    found = figures(observed(), {}).latencies
    assert (found["ttft"].count, found["ttft"].mean) == (2, 40)
    assert (found["e2e"].min, found["e2e"].max) == (70, 90)
    assert (found["tpot"].min, found["tpot"].max) == (10, pytest.approx(40 / 3))  # 40 ms by 4 tokens, by 3


def test_itl_is_of_all_gaps_together():
    found = figures(observed(), {}).latencies["itl"]
    assert (found.count, found.mean, found.p50, found.max) == (4, 20, 15, 40)
    assert found.p90 == pytest.approx(34)  # linear between 20 and 40


def test_rates_are_of_whole_answers_over_the_time_from_the_first_request_to_the_last_text():
    found = figures(observed(), {})
    assert found.seconds == pytest.approx(0.3)
    assert found.rates["requests_per_s"] == pytest.approx(2 / 0.3)
    assert found.rates["output_tokens_per_s"] == pytest.approx(9 / 0.3)
    assert found.rates["input_tokens_per_s"] == pytest.approx(81 / 0.3)


def test_everybody_is_counted():
    assert figures(observed(warmed_up=3), {}).counts == {
        "ok": 2,
        "error": 2,
        "timeout": 1,
        "not_sent": 1,
        "tried_again": 1,
        "warm_up": 3,
    }


def test_lateness_of_the_dispatch_is_said_and_a_late_one_is_doubted():
    seen = observed()
    found = figures(seen, {})
    assert found.dispatch["dispatch_late"].max == 20 and found.dispatch["waited_for_others"].max == 1
    assert any("requests went out up to 20 ms late" in line for line in doubts(seen, found))
    on_time = observed((whole(0, 5, 5, 5, 5),))
    assert list(doubts(on_time, figures(on_time, {}))) == []


def test_lengths_that_are_not_those_asked_for_are_counted():
    assert figures(observed(), {}).tokens == {
        "prompts_counted": 2,
        "prompts_of_another_length": 1,
        "prompt_tokens_off_at_most": 1,
        "answers_of_another_length": 1,
    }


def test_several_tokens_a_chunk_and_failures_are_said():
    seen = observed()
    said = list(doubts(seen, figures(seen, {})))
    assert "9 tokens came in 6 chunks: ITL is between chunks, TPOT between tokens" in said
    assert "1 requests without a whole answer: broke, off" in said


@pytest.mark.parametrize(
    ("promises", "good"),
    [
        ({"fast": Promise(30)}, 2),
        ({"fast": Promise(29)}, 1),
        ({"slow": Promise(50, 10)}, 2),
        ({"slow": Promise(50, 9)}, 1),
        ({"slow": Promise(49, 10)}, 1),
    ],
)
def test_goodput_is_of_those_who_kept_their_promise(promises, good):
    found = figures(observed(), promises)
    assert found.good == good and found.rates["goodput_per_s"] == pytest.approx(good / 0.3)


def test_a_promise_to_nobody_is_an_input_error():
    check_promises(observed().table, {"fast": Promise(1)})
    with pytest.raises(InputError, match=r"'fats' \(did you mean 'fast'\?\)"):
        check_promises(observed().table, {"fats": Promise(1)})


def test_answers_in_one_piece_have_an_end_and_no_more():
    one_piece = observed((whole(0, 70),), streamed=False)
    assert set(figures(one_piece, {}).latencies) == {"e2e"}


@pytest.mark.parametrize("seen", [SEEN, SEEN[2:], SEEN[4:]])
def test_figures_are_said_in_text_and_json_whatever_there_is(seen):
    found = figures(observed(seen), {})
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["requests"] == found.counts
    text = report_text(found)
    assert "percentiles: linear between ranks" in text and "ttft" in text
