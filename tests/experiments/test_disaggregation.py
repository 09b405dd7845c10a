"""The study of prefill and decode apart: which loads, which clusters, who is told to win."""

import pytest

from blis import load_scenario
from experiments import disaggregation
from experiments.disaggregation import Cell, main, rows, split, workload

SCENARIO = load_scenario("conf/cluster/h100x4.yaml")


def test_each_load_meets_every_split(monkeypatch):
    """One more prefill instance costs time to the first token and saves time between them, in this world."""
    asked = []

    def cell(scenario, tokens, rate):
        number = scenario.cluster.disaggregation.prefill_instances
        asked.append((number, tokens, rate))
        return Cell(100.0 + number, 30.0 - number)

    monkeypatch.setattr(disaggregation, "cell", cell)
    lines = list(rows(SCENARIO, [1000]))
    assert lines[2] == "| 1,000 | 26.7 | 100 / 30 | 101 / 29 | 102 / 28 | all together | 2 + 2 |"
    assert asked[:3] == [(0, 1000, 26.7), (1, 1000, 26.7), (2, 1000, 26.7)]


def test_it_is_the_roles_alone_that_differ():
    assert [replica.role for replica in split(SCENARIO, 1).replicas] == ["prefill", "decode", "decode", "decode"]
    assert split(SCENARIO, 0) == SCENARIO
    assert workload(4000, 5.0)["clients"][0]["input_distribution"]["params"]["mean"] == 4000


def test_a_length_that_is_none_is_wrong_input(capsys: pytest.CaptureFixture[str]):
    assert main(["long"]) == 2
    assert "whole numbers of tokens" in capsys.readouterr().err
