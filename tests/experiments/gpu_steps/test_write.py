"""The step log is one that `blis fit` reads, and it finds in it what the steps cost."""

import json

import pytest

from blis.cli.main import main as blis
from blis.workload.recorded.read import read_log
from experiments.gpu_steps.measure import Timed, measure
from experiments.gpu_steps.plan import Point, plan
from experiments.gpu_steps.write import write

TRUE = {"fixed_us": 5000.0, "prefill_us_token": 80.0, "decode_us_request": 25.0, "context_us_token": 0.04}


def cost_us(point: Point) -> float:
    step = point.step
    parts = (1, step.prefill_tokens, step.decodes, step.decode_context)
    return sum(price * part for price, part in zip(TRUE.values(), parts, strict=True))


def test_what_is_written_is_read_again(tmp_path):
    timed = [Timed(Point(1, 128, 512), 1234.4), Timed(Point(decodes=3, decode_context=100), 0.2)]
    beside = write(tmp_path / "steps.csv", timed, {"torch": "2"})
    first, second = read_log(tmp_path / "steps.csv").steps
    assert (first["number"], first["start_us"], first["duration_us"]) == (1, 0, 1234)
    assert (second["number"], second["start_us"], second["duration_us"]) == (2, 1234, 1)  # no step takes no time
    for (point, _), row in zip(timed, (first, second), strict=True):
        assert {name: row[name] for name in point.step._fields} == point.step._asdict()
    assert beside == tmp_path / "steps.meta.json" and json.loads(beside.read_text()) == {"torch": "2"}


def test_a_fit_finds_what_the_steps_cost(tmp_path, capsys):
    path = tmp_path / "steps.csv"
    write(path, measure(plan(), cost_us, seconds=1e9), {})
    assert blis(["fit", str(path), "--output", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["coefficients"] == pytest.approx(TRUE, rel=0.01)
    assert found["held_out"]["step_mape"] < 0.5
