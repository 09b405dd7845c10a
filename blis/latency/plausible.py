"""Whether a latency model can be: no step ends before the GPUs could have read and computed what it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from blis.errors import InputError
from blis.latency.bound import bound_us
from blis.latency.catalog import find_model, gpu_catalog
from blis.latency.registry import LATENCY
from blis.latency.shapes import Roofline
from blis.latency.sizes import kv_bytes, weight_bytes
from blis.latency.step import Step

if TYPE_CHECKING:
    from blis.config import Compat, LatencyModel

_CONTEXT = 1024

#: Steps that are looked at, in words.
_STEPS = {
    **{
        f"a step in which {members} {'decodes' if members == 1 else 'decode'} after {_CONTEXT} tokens": Step(
            decodes=members, decode_context=members * _CONTEXT
        )
        for members in (1, 32, 256)
    },
    "a step with 2048 tokens of a prompt": Step(prefills=1, prefill_tokens=2048, prefill_pairs=2048 * 2047 // 2),
}


class Judged(NamedTuple):
    """One kind of step: what the model says, and what the GPUs need at their peaks."""

    step: str
    model_us: float
    bound_us: float

    @property
    def possible(self) -> bool:
        """Whether the model is not faster than the GPUs."""
        return self.model_us >= self.bound_us


def judged(model: LatencyModel, compat: Compat) -> list[Judged] | None:
    """Every kind of step, None if it is not known what the model runs on."""
    known = _deployment(model)
    if known is None:
        return None
    where = known.model, known.hardware, model.tp
    given = known.kv_bytes_per_value, known.data_parallel
    return [
        Judged(name, LATENCY.step_us(model, step, compat), bound_us(*where, step, *given))
        for name, step in _STEPS.items()
        if _fits(known, model.tp, step)
    ]


def implausible(model: LatencyModel, compat: Compat) -> str:
    """What is wrong with a latency model, in words, "" if nothing is or it cannot be told."""
    known = _deployment(model)
    if known is not None and not _fits(known, model.tp, Step()):
        held_gb = _weight_bytes(known, model.tp) / 2**30
        return (
            f"{model.model} does not fit on {model.tp} x {model.gpu}: {held_gb:.0f} GiB of weights for each,"
            f" which has {known.hardware.memory_gb:g}"
        )
    wrong = [one for one in judged(model, compat) or () if not one.possible]
    if not wrong:
        return ""
    worst = max(wrong, key=lambda one: one.bound_us / max(one.model_us, 1e-9))
    return (
        f"{worst.step} takes {worst.model_us / 1000:.2f} ms, but {model.tp} x {model.gpu} at their peaks need"
        f" {worst.bound_us / 1000:.2f} ms for {model.model}"
    )


def _fits(known: Roofline, tp: int, step: Step) -> bool:
    """Whether the GPUs can hold what a step reads, where it is known how much they hold."""
    read = kv_bytes(known.model, tp, known.kv_bytes_per_value) * step.decode_context + _weight_bytes(known, tp)
    return not known.hardware.memory_gb or read <= known.hardware.memory_gb * 2**30


def _weight_bytes(known: Roofline, tp: int) -> float:
    """What one GPU holds of the weights."""
    return weight_bytes(known.model, 1 / known.data_parallel) / tp


def _deployment(model: LatencyModel) -> Roofline | None:
    """Model and GPU by what the model says of them."""
    if model.roofline is not None:
        return model.roofline
    if not model.model or not model.gpu or not model.tp:
        return None
    try:
        return Roofline(find_model(model.model), gpu_catalog().find(model.gpu).hardware)
    except InputError:
        return None  # of no shape that we know
