"""Broken YAML files end in one line, and what is drawn as valid is valid."""

from random import Random

import pytest

from blis.policies.bundle import load_bundle
from blis.scenario import apply_bundle, load_scenario
from tests.laws import fuzz_yaml
from tests.laws.yaml_cases import random_bundle, random_scenario


def test_what_is_drawn_as_valid_loads():
    for seed in range(200):
        rng = Random(seed)
        scenario = load_scenario(random_scenario(rng))
        bundle = load_bundle(random_bundle(rng))
        apply_bundle(scenario, bundle)


def test_no_file_gives_a_traceback_or_never_ends(capsys):
    assert fuzz_yaml.main(120) == 0, capsys.readouterr().out


@pytest.mark.slow
def test_a_thousand_files(capsys):
    assert fuzz_yaml.main(1000, 10_000) == 0, capsys.readouterr().out


def test_a_file_that_never_ends_is_noticed(monkeypatch, capsys):
    """The supervisor itself: a worker that prints nothing in time is stopped, and the next file is tried."""
    monkeypatch.setattr(fuzz_yaml, "START_S", 0.001)
    assert fuzz_yaml.main(2) == 2
    assert "0 takes longer than 0.001 s" in capsys.readouterr().out
