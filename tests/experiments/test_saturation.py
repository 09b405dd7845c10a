"""The saturation study: the first rate that saturates, over the scored rows, one stream of seeds."""

from types import SimpleNamespace

import numpy as np
import pytest

from experiments import saturation
from experiments.saturation import REQUESTS, main, saturation_curve, ttft_p99_us
from search.application import compose_settings
from tests.blis.workload.trace_files import random_mooncake_rows, write_mooncake


@pytest.fixture(scope="module")
def settings():
    return compose_settings([])


@pytest.fixture
def fake_problem(settings, monkeypatch):
    """Makes a problem whose requests have a TTFT that depends on the rate and the row."""

    def draw(workload, seed):
        assert workload.num_requests == REQUESTS
        return SimpleNamespace(rate=workload.aggregate_rate, scored_rows=slice(REQUESTS // 10, 9 * REQUESTS // 10))

    def make(ttft_us):
        return SimpleNamespace(
            scenario=settings.problem.scenario,
            workload=settings.problem.workload,
            simulate=lambda scenario, table: SimpleNamespace(ttft_us=ttft_us(table.rate)),
        )

    monkeypatch.setattr(saturation, "generate", draw)
    return make


def test_the_first_rate_counts_even_if_a_later_one_is_faster(settings, fake_problem):
    def times(rate):
        return np.full(REQUESTS, 1_000_000 if rate in (7, 12) else 999_999)

    curve = saturation_curve(fake_problem(times), settings.problem.baseline, seed=1)
    assert curve == [999_999] * 6 + [1_000_000]


def test_only_scored_rows_count_and_unserved_ones_are_late(settings, fake_problem):
    def p99_of(values):
        problem = fake_problem(lambda rate: values)
        return ttft_p99_us(problem, settings.problem.scenario, 1, seed=1)

    ends = np.full(REQUESTS, 10)
    ends[: REQUESTS // 10] = ends[9 * REQUESTS // 10 :] = 10**9
    assert p99_of(ends) == 10
    dropped = np.full(REQUESTS, 10)
    dropped[REQUESTS // 2 : REQUESTS // 2 + REQUESTS // 50] = -1
    assert p99_of(dropped) == np.inf


def test_a_trace_has_no_rate_to_vary(capsys, tmp_path):
    path = write_mooncake(tmp_path / "trace.jsonl", random_mooncake_rows(seed=1, n=200))
    assert main(["workload=trace", f"workload.path={path}"]) == 2
    assert capsys.readouterr().err == (
        "error: this needs a workload that can be drawn at will; a trace is one sample\n"
    )


def test_wrong_overrides_are_one_line(capsys):
    assert main(["driver.budget=-1"]) == 2
    assert main(["budget=1"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("error: ") for line in lines)


def test_the_rates_are_printed_and_drawn(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(saturation, "ttft_p99_us", lambda problem, scenario, rate, seed: rate * 100_000 + seed % 7)
    assert main([]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0] == "seed 0: 10 requests per second"
    assert out.splitlines()[-1] == "llm-d-default saturates at 10 requests per second (median); 0.7 of it is 7"
    folder = tmp_path / "outputs/experiments/saturation"
    assert (folder / "saturation.md").read_text() == out
    assert (folder / "saturation.png").read_bytes().startswith(b"\x89PNG")


def test_a_policy_that_never_saturates_is_one_line(monkeypatch, capsys):
    monkeypatch.setattr(saturation, "ttft_p99_us", lambda problem, scenario, rate, seed: 1.0)
    assert main([]) == 2
    assert capsys.readouterr().err == "error: TTFT p99 stays below 1 s up to 1000 requests per second\n"
