"""Shares of the GPU's peaks: what each step reached, and with which ones the roofline would fit best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from blis.config import Compat, LatencyModel
from blis.latency import LATENCY, roofline
from blis.latency.bound import bound_us
from blis.latency.shapes import Hardware, ModelShape, Roofline
from experiments.gpu_steps.measure import Timed
from experiments.page import markdown_table

HEADER = ("step", "ms", "of bandwidth", "of FLOP/s", "roofline ms")

#: What the roofline takes for it -> the roofline's numbers that are divided by it, or multiplied.
_DIVIDED = {
    "read_share": ("read_us", "head_read_us"),
    "matmul_share": ("token_us", "head_token_us", "expert_token_us"),
    "KV_READ_SHARE": ("context_us", "decode_us"),
    "ATTENTION_SHARE": ("pair_us",),
    "EXPERT_READ_SHARE": ("expert_read_us",),
    "EXPERT_COMPUTE_SHARE": ("expert_token_us",),
}
_MULTIPLIED = {"LAYER_US": ("fixed_us",)}
_NAMES = tuple(LATENCY["roofline"].bounds)
#: A factor that steps say nothing of stays at 1.
_RIDGE = 0.001
_INSTANT = 1e9


def reached(model: ModelShape, hardware: Hardware, tp: int, timed: Sequence[Timed]) -> str:
    """A table: of each step its time, what it needs at the peaks as a share of it, and the roofline's time."""
    reading, computing = (
        replace(hardware, tflops_peak=_INSTANT, fp8_tflops=0.0),
        replace(hardware, bw_peak_tbs=_INSTANT),
    )
    expected = _predicted(_numbers(model, hardware, tp), timed)
    rows = []
    for (point, us), roofline_us in zip(timed, expected, strict=True):
        shares = (f"{bound_us(model, peaks, tp, point.step) / us:.2f}" for peaks in (reading, computing))
        what = f"{point.prefills} x {point.tokens} after {point.context}, {point.decodes} over {point.decode_context}"
        rows.append((what, f"{us / 1000:.3f}", *shares, f"{roofline_us / 1000:.3f}"))
    return markdown_table(HEADER, rows)


def suggested(model: ModelShape, hardware: Hardware, tp: int, timed: Sequence[Timed]) -> dict[str, float]:
    """What the roofline would have to take for its shares, and for LAYER_US, to fit the steps best."""
    numbers = _numbers(model, hardware, tp)
    measured = np.log([each.us for each in timed])
    names = [name for name in (*_DIVIDED, *_MULTIPLIED) if model.experts or not name.startswith("EXPERT")]

    def off(powers: NDArray[np.float64]) -> NDArray[np.float64]:
        changed = _changed(numbers, dict(zip(names, np.exp(powers), strict=True)))
        return np.concatenate([np.log(_predicted(changed, timed)) - measured, _RIDGE * powers])

    powers = least_squares(off, np.zeros(len(names)), bounds=(-3, 3), loss="soft_l1", f_scale=0.05).x
    return {
        name: (getattr(hardware, name, None) or getattr(roofline, name)) * float(np.exp(power))
        for name, power in zip(names, powers, strict=True)
    }


def _changed(numbers: dict[str, float], factors: dict[str, float]) -> dict[str, float]:
    """The roofline's numbers with every share as many times as large."""
    found = dict(numbers)
    for name, factor in factors.items():
        for number in _DIVIDED.get(name, ()):
            found[number] /= factor
        for number in _MULTIPLIED.get(name, ()):
            found[number] *= factor
    return found


def _numbers(model: ModelShape, hardware: Hardware, tp: int) -> dict[str, float]:
    """The roofline's numbers by name, without the host and the other GPUs, which are not timed."""
    alone = replace(hardware, link_latency_us=0.0)
    latency = LatencyModel("roofline", beta=(), tp=tp, roofline=Roofline(model, alone))
    numbers = dict(zip(_NAMES, LATENCY.parameters(latency, Compat()), strict=True))
    not_timed = dict.fromkeys(("sent_us", "member_us", "prefill_us"), 0.0)
    return {**numbers, **not_timed, "fixed_us": numbers["fixed_us"] - roofline.STEP_US}


def _predicted(numbers: dict[str, float], timed: Sequence[Timed]) -> NDArray[np.float64]:
    """[steps] µs."""
    kernel = LATENCY["roofline"].function
    return np.array([kernel(*numbers.values(), each.point.step) for each in timed])
