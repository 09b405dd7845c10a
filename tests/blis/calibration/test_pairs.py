"""Pairs by id, who is left out and counted, and the network in between."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from blis.calibration.pairs import Answers, Counts, answers, pair_up
from blis.engine.run import simulate
from blis.tables.network import Network
from tests.blis.calibration.recordings import handmade, scenario, simulated


def said(**times: tuple[int, int]) -> Answers:
    """What a simulation answered, by id without its underscore: TTFT and E2E."""
    n = len(times)
    ttft, e2e = (np.array([pair[k] for pair in times.values()], np.float64) for k in (0, 1))
    return Answers(tuple(name.strip("_") for name in times), np.full(n, 10), np.full(n, 5), ttft, e2e)


FIVE = said(_0=(10, 50), _1=(11, 51), _2=(12, 52), _3=(13, 53), _4=(14, 54))
LOG = handmade([10, 11, 12, 13, 14], [50, 51, 52, 53, 54])


def test_by_id_not_by_position():
    found = pair_up(handmade([500, 450], [900, 900]), said(_1=(450, 900), _0=(490, 900)))
    assert found.recorded["ttft"].tolist() == [500, 450] and found.simulated["ttft"].tolist() == [490, 450]


def test_warm_up_is_left_out():
    found = pair_up(LOG.without_warm_up(2), FIVE)
    assert found.rows.tolist() == [2, 3, 4] and found.simulated["e2e"].tolist() == [52, 53, 54]
    assert found.counts == Counts(5, 3, 2, 0, 0, 0, 0, 0, 0)


def test_warm_up_in_the_middle_is_left_out():
    found = pair_up(replace(LOG, warm_up=np.array([False, True, False, True, False])), FIVE, first=0.34)
    assert found.rows.tolist() == [2, 4] and (found.counts.warm_up, found.counts.before_first) == (2, 1)


def test_a_first_share_is_left_out():
    found = pair_up(LOG.without_warm_up(1), FIVE, first=0.5)
    assert found.rows.tolist() == [3, 4]
    assert (found.counts.warm_up, found.counts.before_first, found.counts.matched) == (1, 2, 2)


def test_who_is_missing_on_either_side_is_counted():
    found = pair_up(LOG, said(_0=(10, 50), _7=(9, 9), _8=(9, 9)))
    assert found.rows.tolist() == [0]
    assert (found.counts.unmatched_recorded, found.counts.unmatched_simulated) == (4, 2)
    assert pair_up(LOG.without_warm_up(5), FIVE).counts == Counts(5, 0, 5, 0, 0, 0, 0, 0, 0)


def test_other_lengths_are_counted_and_compared():
    found = pair_up(
        LOG, replace(FIVE, input_tokens=np.array([9, 10, 10, 10, 10]), output_tokens=np.array([5, 5, 4, 5, 5]))
    )
    assert (found.counts.matched, found.counts.token_mismatches) == (5, 2)


def test_all_requests_are_somewhere():
    log = handmade([10, -5, 12, 13], [50, 51, 52, 53], ok=[True, True, True, False])
    counts = pair_up(log.without_warm_up(1), said(_0=(10, 50), _9=(1, 1))).counts
    assert (counts.requests, counts.failed, counts.invalid) == (4, 1, 1)
    parts = (
        counts.matched,
        counts.warm_up,
        counts.before_first,
        counts.failed,
        counts.invalid,
        counts.unmatched_recorded,
    )
    assert sum(parts) == counts.requests


@pytest.mark.parametrize(
    ("network", "ttft", "e2e"),
    [
        (Network(rtt_us=5000), 5500, 5900),
        (Network(rtt_us=10_000), 10_500, 10_900),
        (Network(bandwidth_mbps=100), 503.2, 904.8),
        (Network(rtt_us=100, bandwidth_mbps=-1), 600, 1000),
        (Network(), 500, 900),
    ],
)
def test_a_client_sees_round_trip_and_transfers_too(network, ttft, e2e):
    """10 tokens in are 320 bits, 5 tokens out 160: at 100 bits a µs 3.2 µs and 1.6 µs."""
    found = pair_up(handmade([500], [900]), said(_0=(500, 900)), network)
    assert found.simulated["ttft"].tolist() == [pytest.approx(ttft)]
    assert found.simulated["e2e"].tolist() == [pytest.approx(e2e)]
    assert found.simulated["tpot"].tolist() == [pytest.approx((e2e - ttft) / 4)]


def test_a_thousand_tokens_at_100_mbit_take_320_us():
    one = replace(said(_0=(500, 900)), input_tokens=np.array([1000]))
    assert one.times(Network(bandwidth_mbps=100))["ttft"].tolist() == [pytest.approx(820)]


def test_answers_of_a_run_are_of_those_that_were_completed():
    recording = simulated(scenario(), 60)
    cut = replace(scenario(), horizon_us=int(recording.completed_us[30]))
    result = simulate(cut, recording.requests)
    found = answers(recording, result)
    assert 0 < len(found.request_ids) < 60
    counts = pair_up(recording, found).counts
    assert counts.unmatched_recorded == 60 - len(found.request_ids) and counts.unmatched_simulated == 0


def test_outputs_that_a_limit_of_the_engine_cut_are_other_lengths():
    recording = simulated(scenario(), 60)
    result = simulate(scenario(engine={"profile": "original", "max_model_len": 300}), recording.requests)
    inputs, outputs = recording.requests.input_tokens, recording.requests.output_tokens
    counts = pair_up(recording, answers(recording, result)).counts
    assert 0 < counts.token_mismatches == ((inputs < 300) & (inputs + outputs > 300)).sum()
    assert 0 < counts.unmatched_recorded == (inputs >= 300).sum()


def test_a_measure_of_some_requests():
    found = pair_up(LOG.without_warm_up(1), FIVE)
    recorded, simulated = found.of("ttft", np.array([True, True, False, False, True]))
    assert recorded.tolist() == simulated.tolist() == [11, 14]
