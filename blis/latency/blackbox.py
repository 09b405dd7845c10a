"""Blackbox: so many µs a step, a prefill token and a decode token, fitted to measurements (engine.md 10.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from blis.errors import InputError
from blis.latency.deployment import deployment, open_block_tokens
from blis.latency.registry import LATENCY, refuse
from blis.latency.table import TABLE_BLOCK_TOKENS, coefficient_table
from blis.policies.registry import Bounds

if TYPE_CHECKING:
    from blis.config import Compat, LatencyModel

_US = Bounds(0, 1e12)


def _resolve(latency: dict[str, Any], kv: dict[str, Any], path: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Coefficients left out, or all zero, are looked up; then the cache has the table's size unless it is given."""
    if latency.get("hf_config"):
        raise InputError(f"{path}.hf_config is for kind 'roofline', and the kind is 'blackbox'")
    given = {key: latency[key] for key in ("alpha", "beta") if latency.get(key)}
    if len(given) == 1:
        (key,) = given
        missing = "beta" if key == "alpha" else "alpha"
        raise InputError(f"{path}: {key} is given without {missing}; give both, or neither and model, gpu and tp")
    if any(value != 0 for values in given.values() for value in _items(values)):
        return latency, kv
    name, gpu, tp = deployment(latency, path)
    if not name:
        raise InputError(f"{path}: give alpha and beta, or the model (and gpu and tp) to look them up by")
    entry = coefficient_table().find(name, gpu, tp)
    latency = {**latency, "gpu": entry.gpu, "tp": entry.tp, "alpha": list(entry.alpha), "beta": list(entry.beta)}
    block_tokens = open_block_tokens(kv)
    if block_tokens:
        kv = {**kv, "blocks": max(1, entry.kv_blocks * TABLE_BLOCK_TOKENS // block_tokens)}
    return latency, kv


def _items(values: object) -> list[object]:
    """The items of a list; anything else counts as given, and is refused later with its type."""
    return list(values) if isinstance(values, list | tuple) else [values]


def _derive(model: LatencyModel, compat: Compat) -> Mapping[str, float]:
    """Three coefficients, unless the model has no latency at all."""
    refuse(model, "roofline", "parameters")
    if len(model.beta) != 3:
        raise InputError(f"latency_model.beta must have 3 values, got {len(model.beta)}")
    if not any(model.alpha) and not any(model.beta):
        raise InputError("latency_model: alpha and beta are all zero; give coefficients or model, gpu and tp")
    return dict(zip(("fixed_us", "prefill_us_token", "decode_us_token"), model.beta, strict=True))


@LATENCY.register(
    "blackbox",
    constant_while_decoding=True,
    resolve=_resolve,
    derive=_derive,
    fixed_us=_US,
    prefill_us_token=_US,
    decode_us_token=_US,
)
def blackbox(fixed_us, prefill_us_token, decode_us_token, step):
    """Linear in the tokens of each phase; a draft is computed as a token of a prompt is."""
    return fixed_us + prefill_us_token * (step.prefill_tokens + step.drafts) + decode_us_token * step.decodes
