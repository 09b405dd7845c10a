"""A fit finds the prices that a log was made with, and says how sure it is."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from blis.errors import InputError
from blis.fit.fit import LEAST, Fit, fit
from blis.fit.terms import BASE
from blis.latency.coefficients import CoefficientsFile
from blis.tables.network import Network, transfer_us
from blis.workload.recorded.recording import Recording, Server, StepLog
from tests.blis.fit.made import TRUTH, alike, recorded, some, step_log


@cache
def of_requests() -> Fit:
    """Of the first half of a log without noise."""
    return fit([recorded(11, 80)])


def holds(file: CoefficientsFile, truth: dict[str, float] = TRUTH) -> bool:
    """Whether every price is inside its interval, one that is not there being nothing."""
    inside = [low <= truth.get(name, 0.0) <= high for name, (low, high) in file.interval.items()]
    return all(inside) and set(truth) <= set(file.interval)


def test_the_truth_is_inside_and_twenty_percent_more_or_less_is_not():
    file = of_requests().file
    assert holds(file)
    for name in TRUTH:
        for wrong in (0.8, 1.2):
            assert not holds(file, TRUTH | {name: wrong * TRUTH[name]}), name


def test_what_the_fit_did_not_see_is_held_against_it():
    found = of_requests()
    assert found.held_out is not None and found.held_out["n"] == found.seen["n"] == 40
    for name in ("ttft_mape", "tpot_mape", "e2e_mape", "unqueued_ttft_mape"):
        assert found.held_out[name] < 1
    assert found.file.error == found.held_out and found.file.n == 40
    assert found.file.source == "made: the first 40 of 80 requests"
    assert found.file.engine == "vllm-2026" and "max_running 256" in found.file.assumed


@pytest.mark.slow
def test_a_term_that_was_left_out_makes_the_prices_that_took_its_share_unsure():
    """Noise hides the price of context on this log, so that decoding requests seem to cost twice as much."""
    file = fit([recorded(215, 100, noise=0.02)], 1.0).file
    assert "context_us_token" not in file.parameters and file.parameters["decode_us_request"] > 2 * 60
    assert holds(file)


def test_draws_are_parameters_about_the_prices():
    file = of_requests().file
    assert len(file.draws) == 64
    for name, price in file.parameters.items():
        assert np.median([draw[name] for draw in file.draws]) == pytest.approx(price, rel=0.1)


@pytest.mark.slow
@pytest.mark.parametrize(("noise", "outliers"), [(0.0, 0.0), (0.0, 0.05)])
def test_the_truth_is_inside_on_twenty_logs_of_a_hundred_requests(noise: float, outliers: float):
    logs = [recorded(200 + seed, 100, noise=noise, outliers=outliers) for seed in range(20)]
    inside = [holds(fit([log], first=1.0).file) for log in logs]
    assert sum(inside) >= 19, inside


@pytest.mark.parametrize("seed", range(3))
def test_of_steps_alone(seed: int):
    found = fit([step_log(seed, 60)])
    assert holds(found.file) and found.held_out is not None
    assert found.held_out["step_mape"] < 0.1 and found.file.engine == "" and "steps" in found.file.source


@pytest.mark.slow
def test_of_steps_and_requests_together_the_server_is_known_from_either():
    server = Server(model="org/m", gpu="H100", tp=2, vllm="0.19.0", kv_blocks=9000)
    requests = recorded(12, 40, server=server)
    steps = replace(step_log(13, 40), server=Server())
    found = fit([steps, requests], first=1.0)
    assert holds(found.file) and found.held_out is None
    assert (found.file.model, found.file.gpu, found.file.tp, found.file.kv_blocks) == ("org/m", "H100", 2, 9000)
    assert found.file.n == 40 + len(steps.steps) and found.file.error == {}


def test_the_file_has_the_whole_engine_and_the_limits_of_the_simulation():
    server = Server(vllm="0.19.0", async_scheduling=False, max_model_len=9000, max_running=8)
    file = fit([recorded(12, 40, server=server)], 1.0).file
    assert file.engine == '{"profile": "vllm-2026", "async_scheduling": false, "max_model_len": 9000}'
    assert file.limits == {"max_running": 8, "max_scheduled_tokens": 2048}


def test_of_what_logs_say_otherwise_the_file_says_nothing():
    server = Server(vllm="0.19.0", max_running=8, kv_blocks=9000)
    one, other = step_log(13, 40), step_log(14, 40, source="others")
    logs = [replace(one, server=server), replace(other, server=replace(server, max_running=9, kv_blocks=0))]
    found = fit(logs)
    assert found.file.limits == {} and found.file.kv_blocks == 9000
    assert found.notes == (
        "the logs differ in max_running: steps: 8; others: 9; each is taken as it is, and the file says none",
    )


@pytest.mark.slow
def test_what_a_client_saw_is_taken_to_the_server():
    network = Network(rtt_us=40_000, bandwidth_mbps=10)
    plain = recorded(14, 60)
    requests = plain.requests
    up = 40_000 + transfer_us(network, requests.input_tokens)
    seen = replace(
        plain,
        first_token_us=plain.first_token_us + np.rint(up).astype(np.int64),
        completed_us=plain.completed_us + np.rint(up + transfer_us(network, requests.output_tokens)).astype(np.int64),
        network=network,
    )
    assert fit([seen], 1.0).file.parameters == pytest.approx(fit([plain], 1.0).file.parameters, rel=0.02)


def not_streamed(log: Recording, every: int) -> Recording:
    """The same log, where of each so-manieth answer only the end is known."""
    return replace(log, first_token_us=np.where(np.arange(len(log)) % every == 0, -1, log.first_token_us))


@pytest.mark.slow
def test_ends_alone_say_as_much_of_answers_that_were_not_streamed():
    found = fit([not_streamed(recorded(14, 60), 2)], 1.0)
    assert found.file.parameters == pytest.approx(TRUTH, rel=0.01) and found.file.n == 60


@pytest.mark.parametrize(
    ("logs", "first", "said"),
    [
        (
            [not_streamed(recorded(1, 40), 1)],
            1.0,
            "made: no answer was streamed; a fit needs",
        ),
        ([not_streamed(recorded(1, 40), 2)] * 2, 1.0, "made and made have the same rows"),
        ([recorded(1, 40)] * 2, 1.0, "made and made have the same rows, which would count twice"),
        ([recorded(1, 40), some(recorded(1, 40), 30)], 1.0, "made and made have the same rows"),
        ([step_log(1, 40)] * 2, 1.0, "steps and steps have the same rows"),
        ([recorded(1, LEAST - 1)], 1.0, f"insufficient data: {LEAST - 1} requests and steps to fit to; at least"),
        ([recorded(1, 40)], 0.5, "insufficient data: 20 requests"),
        ([recorded(1, 40)], 0.0, "--first must be > 0"),
        ([recorded(1, 40)], 1.5, "--first must be in"),
        (
            [recorded(1, 40, server=Server(gpu="H100")), recorded(2, 40, server=Server(gpu="A100"))],
            1.0,
            "the logs are of different servers: gpu: made: H100; made: A100; fit them one by one",
        ),
    ],
)
def test_what_cannot_be_fitted(logs: list[Recording | StepLog], first: float, said: str):
    with pytest.raises(InputError, match=said.replace("(", r"\(")):
        fit(logs, first)


def test_answers_of_one_token_say_what_prompts_cost():
    """No answer has a second token: what a decoding request costs is not known, and nothing breaks."""
    found = fit([recorded(15, 60, shortest=1, longest=2)], 1.0)
    assert found.file.parameters["prefill_us_token"] == pytest.approx(TRUTH["prefill_us_token"], rel=0.1)
    assert set(BASE) <= set(found.file.parameters)
    assert found.file.interval["decode_us_request"] == (0.0, None) and found.file.fitted.not_told == (
        "decode_us_request",
    )


def test_requests_that_are_alike_and_alone_tell_only_what_prices_make_together():
    found = fit([alike(40)], 1.0).file
    assert set(found.fitted.not_told) == set(found.parameters) == set(BASE)
    assert found.interval["fixed_us"][0] == 0 and found.parameters["fixed_us"] > 0
