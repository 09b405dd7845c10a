"""The comparison of drivers: its curves, its sentence, and the whole of it on tiny searches."""

import re

import numpy as np
import pytest

from experiments import drivers
from experiments.drivers import Curve, one_search, page, picture, ranking, sentence
from search.workers import Workers

SHORT = ["workload.first=100", "driver.batch=8", "validation.search_seeds=1"]


def curve(fresh):
    return Curve(np.array([0.1, 0.1, 0.2]), np.array([-np.inf, 0.0, fresh]), fresh, 1.0)


FOUND = {
    "poor": [curve(0.01), curve(0.013), curve(0.01)],
    "good": [curve(0.05), curve(0.052), curve(0.051)],
    "also good": [curve(0.048), curve(0.053), curve(0.0495)],
}


def test_a_curve_counts_new_simulations_and_never_falls():
    found = one_search([*SHORT, "driver=random", "driver.budget=24"], seed=1)
    assert found.requests[0] == 100 / 1e6
    assert len(found.best) == 24
    assert (np.diff(found.best) >= 0).all()
    assert (np.diff(found.requests) >= 0).all()
    assert found.requests[-1] <= 24.5 * 100 / 1e6
    assert np.isfinite(found.fresh)


def test_the_best_driver_is_named_with_what_is_proved():
    assert ranking(FOUND) == ["good", "also good", "poor"]
    text = sentence(FOUND)
    assert text.startswith("good found the best policies (+0.0510 on fresh tables): significantly better")
    assert (
        "than poor +0.0400 [+0.0375, +0.0425]; not proved to be better (after that correction) than also good" in text
    )
    assert sentence({"good": FOUND["good"]}) == "Only good was run."


def test_a_page_lists_the_best_first():
    lines = page(FOUND).splitlines()
    assert [line.split("|")[1].strip() for line in lines[4:7]] == ["good", "also good", "poor"]
    assert "3 seeds each" in lines[0]
    assert picture(FOUND).axes


@pytest.mark.parametrize(
    "sides",
    [
        ["--budget", "16", "--drivers", "random,deap_ga"],
        ["--side", "driver.budget=24 validation.search_seeds=2", "--side", "driver=random driver.budget=16"],
    ],
)
def test_the_whole_comparison(sides, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(drivers, "FRESH_TABLES", 2)
    monkeypatch.setattr(drivers, "Workers", lambda n_jobs, backend: Workers(1))  # processes take seconds to start
    assert drivers.main(["--seeds", "2", *sides, *SHORT]) == 0
    out, err = capsys.readouterr()
    assert re.match(r"4 searches, about \d+\.\d minutes", err)
    assert "found the best policies" in out.splitlines()[-1]
    assert (tmp_path / "outputs/experiments/drivers/drivers.png").is_file()


@pytest.mark.parametrize("arguments", [["--drivers", "deap"], ["--seeds", "1"], ["sed=1"], ["--budget", "7"]])
def test_wrong_input_is_one_line(capsys, arguments):
    assert drivers.main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
