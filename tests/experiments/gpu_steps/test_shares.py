"""Shares of the peaks: a step at the bound has a share of 1, and the roofline's own shares are found in its steps."""

from dataclasses import replace

import pytest

from blis.config import Compat, LatencyModel
from blis.latency import LATENCY, roofline
from blis.latency.bound import bound_us
from blis.latency.catalog import find_model, gpu_catalog
from blis.latency.shapes import Hardware, Roofline
from experiments.gpu_steps.measure import Timed
from experiments.gpu_steps.plan import Point, plan
from experiments.gpu_steps.shares import reached, suggested

DENSE, MIXTURE = find_model("llama-3.1-8b-instruct"), find_model("qwen3-30b-a3b")
H200 = gpu_catalog().find("H200").hardware


def run_on(model, hardware: Hardware) -> list[Timed]:
    """Steps that take as long as the roofline says, without what the host does."""
    latency = LatencyModel("roofline", beta=(), tp=1, roofline=Roofline(model, hardware))

    def us(point: Point) -> float:
        host = roofline.STEP_US + roofline.MEMBER_US * (point.prefills + point.decodes)
        return LATENCY.step_us(latency, point.step, Compat()) - host - roofline.PREFILL_US * point.prefills

    return [Timed(point, us(point)) for point in plan()]


def cells(model, timed: Timed) -> list[str]:
    return [cell.strip() for cell in reached(model, H200, 1, [timed]).splitlines()[2].split("|")[1:-1]]


def test_a_step_at_a_peak_has_all_of_it():
    decode, chunk = Point(decodes=1, decode_context=512), Point(1, 8192)
    for point, which in ((decode, 0), (chunk, 1)):
        _, ms, *shares, _ = cells(DENSE, Timed(point, bound_us(DENSE, H200, 1, point.step)))
        assert shares[which] == "1.00" and float(shares[1 - which]) < 0.5
        assert float(ms) == pytest.approx(bound_us(DENSE, H200, 1, point.step) / 1000, abs=1e-3)


def test_twice_the_time_is_half_the_share():
    point = Point(decodes=64, decode_context=2048)
    once, twice = (float(cells(DENSE, Timed(point, us))[2]) for us in (10_000.0, 20_000.0))
    assert once == pytest.approx(2 * twice, abs=0.02)


@pytest.mark.parametrize("model", [DENSE, MIXTURE])
def test_shares_are_found_in_the_steps(model):
    changed = replace(H200, read_share=0.7, matmul_share=0.5)
    found = suggested(model, H200, 1, run_on(model, changed))
    assert found["read_share"] == pytest.approx(0.7, rel=0.05)
    assert found["matmul_share"] == pytest.approx(0.5, rel=0.05)
    assert found["KV_READ_SHARE"] == pytest.approx(roofline.KV_READ_SHARE, rel=0.05)
    assert found["ATTENTION_SHARE"] == pytest.approx(roofline.ATTENTION_SHARE, rel=0.05)
    assert found["LAYER_US"] == pytest.approx(roofline.LAYER_US, rel=0.3)
    assert ("EXPERT_READ_SHARE" in found) == bool(model.experts)
