"""The page of shipped coefficients: written by its command, and what it says is what `blis run` warns of."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from blis.cli.main import main as blis
from blis.latency.table import Coefficients, coefficient_table
from experiments.coefficients import PAGE, main, row, too_fast
from tests.places import ROOT

TABLE = coefficient_table()
DEFAULTS = [TABLE.find(default.model) for default in TABLE.defaults]


def name(entry: Coefficients) -> str:
    return f"{entry.model}-{entry.gpu}-{entry.tp}"


def test_the_page_is_what_the_command_writes(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([]) == 0
    written = PAGE.read_text()
    assert written == capsys.readouterr().out == (ROOT / PAGE).read_text()
    assert len(re.findall(r"\n\| [\w-]+/", written)) == len(TABLE.coefficients) == 85
    assert "less than 2 ms in 19; in 13 of them it cannot" in written


def test_70_billion_bytes_on_four_gpus_are_not_read_in_a_millisecond():
    model = "redhatai/llama-3.3-70b-instruct-quantized.w8a8"
    *_, step_ms, bound_ms, verdict = row(TABLE.find(model, "H100", 4), default=True)
    assert step_ms == "0.85" and float(bound_ms) == pytest.approx((68.5 + 2.1) / 4 / 3.35, rel=0.01)
    assert verdict == "faster than its GPUs at 1, 32, 256"


def test_an_entry_is_possible_if_it_is_slow_enough():
    entry = TABLE.find("microsoft/phi-4", "H100", 2)
    assert too_fast(entry)
    slow = replace(entry, beta=(1e6, 1e3, 1e3))
    assert too_fast(slow) == [] and row(slow, default=False)[-1] == "possible"


@pytest.mark.parametrize("entry", DEFAULTS, ids=name)
def test_a_run_warns_of_a_default_that_is_faster_than_its_gpus(entry, capsys):
    assert blis(["run", "--model", entry.model, "--num-requests", "1", "--rate", "1"]) == 0
    assert ("warning: implausible: " in capsys.readouterr().err) == bool(too_fast(entry))
