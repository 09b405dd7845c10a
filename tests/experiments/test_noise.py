"""The study of noise: its measures on numbers that are known, and the whole of it on tiny tables."""

from random import Random

import numpy as np
import pytest

from experiments import noise
from experiments.noise_measures import (
    Rung,
    choice_by_one_table,
    fidelity,
    gain,
    kept,
    neighbours,
    on_rung,
    optimism,
)
from search.application import compose_settings


@pytest.fixture(scope="module")
def settings():
    return compose_settings([])


def noisy(n_policies, n_seeds, common, own, seed=1):
    """Scores 0.01 apart, plus noise of a table and noise of a policy on a table."""
    rng = np.random.default_rng(seed)
    levels = 0.01 * np.arange(n_policies)[:, None]
    return levels + common * rng.normal(size=n_seeds) + own * rng.normal(size=(n_policies, n_seeds))


def test_common_noise_cancels_and_own_noise_does_not():
    found = gain(noisy(20, 400, common=3.0, own=1.0))
    assert found.pooled == pytest.approx((9 + 1) / 1, rel=0.2)
    assert found.sd_same == pytest.approx(2**0.5, rel=0.1)
    assert found.quartiles[0] <= found.quartiles[1] <= found.quartiles[2]
    assert gain(noisy(20, 400, common=0.0, own=1.0)).pooled == pytest.approx(1, rel=0.1)


def test_equal_policies_have_no_variance_on_the_same_tables():
    assert gain(np.tile([1.0, 2.0, 3.0], (4, 1))).pooled == np.inf


def test_choosing_by_one_table():
    same, own = choice_by_one_table(noisy(20, 8, common=1.0, own=0.0))
    assert same.regret == pytest.approx(0)
    assert own.regret > 0.02
    assert own.optimism > 0.3


def test_optimism_grows_with_noise_and_shrinks_with_tables():
    reference = noisy(40, 16, common=0.0, own=0.0)

    def shown_too_much(own, tables):
        found = optimism(noisy(40, 16, common=0.0, own=own), reference, tables)
        assert found.regret >= 0
        return found.shown - found.reference

    assert shown_too_much(0.0, 1) == pytest.approx(0)
    assert shown_too_much(0.3, 1) > shown_too_much(0.3, 4) > 0


def test_fidelity_of_a_perfect_a_reversed_and_a_shifted_rung():
    truth = noisy(40, 4, common=0.0, own=0.0)
    perfect = fidelity(truth + 0.5, truth)
    assert perfect[:5] == pytest.approx((1, 1, 1, 1, 1))
    assert perfect.bias == pytest.approx(0.5)
    assert fidelity(-truth, truth)[:5] == pytest.approx((-1, -1, -1, 0, 0))


def test_kept_counts_the_best_tenth_in_the_best_quarter():
    truth = np.arange(20.0)
    scores = truth.copy()
    scores[19] = -1
    assert kept(truth, truth) == 1
    assert kept(scores, truth) == 0.5


def test_neighbours_stay_near_and_in_the_space(settings):
    rng = Random(1)
    genome = settings.space.sample(rng)
    for near in neighbours(settings.space, genome, 20, rng):
        assert list(near) == list(genome)
        for key, value in genome.items():
            parameter = settings.space.parameters[key]
            assert parameter.nearest(near[key]) == near[key]
            if isinstance(value, float):
                assert 0.79 * value <= near[key] <= 1.21 * value


def test_a_rung_keeps_the_load_of_an_instance(settings):
    problem = settings.problem
    rung = on_rung(problem, Rung(1000, 2))
    assert rung.scenario.cluster.instances == 2
    assert rung.workload.num_requests == 1000
    assert rung.workload.aggregate_rate == problem.workload.aggregate_rate / 2
    assert len(rung.table(1)) == 1000


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """The study on short tables."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(noise, "LENGTHS", (100, 150))
    monkeypatch.setattr(noise, "OPTIMISM_LENGTHS", (100, 150))
    monkeypatch.setattr(noise, "SMALL_CLUSTER_LENGTHS", (100,))
    monkeypatch.setattr(noise, "STANDARD_LENGTH", 150)
    monkeypatch.setattr(noise, "REFERENCE_LENGTH", 150)
    return tmp_path


def test_the_whole_study(tiny, capsys):
    assert noise.main(["--policies", "20", "--seeds", "8", "workload.first=100", "validation.search_seeds=1"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n## ") == 3
    assert "| neighbours ±20%, fitness" in out
    assert "| of a search, 4 x 150" in out
    assert "| 100 requests, 2 instances" in out
    assert "nan" not in out
    folder = tiny / "outputs/experiments/noise"
    assert (folder / "noise.md").read_text() == out
    assert (folder / "noise.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("arguments", [["--policies", "3"], ["--seeds", "2"], ["sed=1"], ["fitness=original"]])
def test_wrong_input_is_one_line(tiny, capsys, arguments):
    short = ["--policies", "20", "--seeds", "8", "workload.first=100", "validation.search_seeds=1"]
    assert noise.main([*short, *arguments]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if not line.endswith(" s")]
    assert line.startswith("error: ")
