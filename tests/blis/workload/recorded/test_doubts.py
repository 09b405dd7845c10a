"""What makes a recording unlikely."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from blis.tables.network import Network
from blis.tables.records import KEPT_STEP
from blis.workload.recorded.doubts import doubts, doubts_of_steps
from blis.workload.recorded.recording import Recording, StepLog
from tests.blis.calibration.recordings import handmade

SOON, LATER = 50_000, 1_000_000


def log(times: float = 1.0, outputs: int = 40, streamed: int = 3) -> Recording:
    """Three requests whose times are multiplied; only the first ones were streamed."""
    made = handmade([SOON] * 3, [LATER] * 3)
    requests = replace(made.requests, output_tokens=made.requests.output_tokens * 0 + outputs)
    first, last = ((made.requests.arrival_us + times * us).astype(int) for us in (SOON, LATER))
    first[streamed:] = -1
    return replace(made, requests=requests, first_token_us=first, completed_us=last)


@pytest.mark.parametrize("streamed", [3, 1, 0])
def test_nothing_is_odd_about_an_ordinary_log(streamed: int):
    made = log(streamed=streamed)
    assert doubts(made, Network()) == doubts(made, Network(rtt_us=1000, bandwidth_mbps=100)) == []


def test_a_long_wait_and_a_long_answer_are_in_the_same_unit():
    """9 s for one token, 45 s for 40 of them: that is slow, and no other unit."""
    assert doubts(log(9, outputs=1, streamed=0), Network()) == doubts(log(45, streamed=0), Network()) == []


@pytest.mark.parametrize(
    ("recording", "said"),
    [
        (log(1000), "half of the answers took 24.4 s or more a token: are the times in another unit?"),
        (log(0.001), "half of the answers took 2.44e-05 s or less a token: are the times in another unit?"),
        (log(1000, outputs=1), "the fastest first token took 50 s: are the times in another unit?"),
        (log(1000, streamed=1), "half of the answers took 24.4 s or more a token: are the times in another unit?"),
        (
            log(1000, streamed=0),
            "half of the answers that were not streamed took 1e+03 s or more: are the times in another unit?",
        ),
        (
            log(0.001, streamed=0),
            "half of the answers that were not streamed took 0.001 s or less: are the times in another unit?",
        ),
    ],
)
def test_times_in_another_unit_are_told(recording: Recording, said: str):
    assert doubts(recording, Network()) == [f"handmade: {said}"]


@pytest.mark.parametrize(
    ("duration_us", "said"),
    [
        ([8, 30, 5000], "half of the steps took 3e-05 s or less: are the times in another unit?"),
        ([5000, 4 * 10**18, 4 * 10**18], "half of the steps took 4e+12 s or more: are the times in another unit?"),
        ([8, 100, 5000], ""),
    ],
)
def test_steps_in_another_unit_are_told(duration_us: list[int], said: str):
    steps = np.zeros(3, KEPT_STEP)
    steps["duration_us"] = duration_us
    assert doubts_of_steps(StepLog("steps.csv", steps)) == ([f"steps.csv: {said}"] if said else [])


def test_a_network_that_is_slower_than_answers_is_told():
    (said,) = doubts(log(), Network(rtt_us=400_000))
    assert said.startswith("handmade: 3 of 3 requests had their first token before the network (round trip 400 ms)")
    assert doubts(log(), Network(rtt_us=40_000)) == []
