"""A latency model that names its deployment gets its numbers, and an instance without KV blocks gets those, too."""

from __future__ import annotations

from typing import Any

from blis.config import LATENCY_KINDS, Roofline
from blis.errors import InputError, check_choice
from blis.latency.catalog import find_model, gpu_catalog, model_names
from blis.latency.roofline import kv_blocks
from blis.latency.table import TABLE_BLOCK_TOKENS, coefficient_table
from blis.yaml_strict import build, check_mapping, named_source, plain

Mapping = dict[str, Any]


def resolve_latency(latency: Mapping, kv: Mapping, path: str) -> tuple[Mapping, Mapping]:
    """Mappings of a latency model and a KV cache with everything filled in that names stand for.

    path: the latency model's key, for errors. Raises InputError for what is missing or not known.
    """
    kind = latency.get("kind", LATENCY_KINDS[0])
    check_choice(f"{path}.kind", kind, LATENCY_KINDS)
    return (_roofline if kind == "roofline" else _blackbox)(latency, kv, path)


def _blackbox(latency: Mapping, kv: Mapping, path: str) -> tuple[Mapping, Mapping]:
    """Coefficients left out, or all zero, are looked up; then the cache has the table's size unless it is given."""
    given = {key: latency[key] for key in ("alpha", "beta") if latency.get(key)}
    if len(given) == 1:
        (key,) = given
        missing = "beta" if key == "alpha" else "alpha"
        raise InputError(f"{path}: {key} is given without {missing}; give both, or neither and model, gpu and tp")
    if any(value != 0 for values in given.values() for value in _items(values)):
        return latency, kv
    name, gpu, tp = _deployment(latency, path)
    if not name:
        raise InputError(f"{path}: give alpha and beta, or the model (and gpu and tp) to look them up by")
    entry = coefficient_table().find(name, gpu, tp)
    latency = {**latency, "gpu": entry.gpu, "tp": entry.tp, "alpha": list(entry.alpha), "beta": list(entry.beta)}
    block_tokens = _block_tokens(kv)
    if block_tokens:
        blocks = max(1, entry.kv_blocks * TABLE_BLOCK_TOKENS // block_tokens)
        kv = {**kv, "blocks": blocks}
    return latency, kv


def _roofline(latency: Mapping, kv: Mapping, path: str) -> tuple[Mapping, Mapping]:
    """Model and hardware come inline or by name; the cache has what the weights leave of the GPUs' memory."""
    name, gpu, tp = _deployment(latency, path)
    roofline = check_mapping(latency.get("roofline") or {}, f"{path}.roofline")
    if tp < 1:
        raise InputError(f"{path}: a roofline needs tp, the number of GPUs that share the model")
    if not roofline.get("model"):
        if not name:
            raise InputError(f"{path}: a roofline needs model (one of: {', '.join(model_names())}) or roofline.model")
        with named_source(path):
            roofline["model"] = plain(find_model(name))
    if not roofline.get("hardware"):
        if not gpu:
            names = ", ".join(each.name for each in gpu_catalog().gpus)
            raise InputError(f"{path}: a roofline needs gpu (one of: {names}) or roofline.hardware")
        with named_source(path):
            found = gpu_catalog().find(gpu)
        latency = {**latency, "gpu": found.name}
        roofline["hardware"] = plain(found.hardware)
    latency = {**latency, "beta": latency.get("beta") or [], "roofline": roofline}
    block_tokens = _block_tokens(kv)
    if block_tokens:
        shape = build(Roofline, roofline, f"{path}.roofline")
        with named_source(path):
            kv = {**kv, "blocks": kv_blocks(shape, tp, block_tokens)}
    return latency, kv


def _block_tokens(kv: Mapping) -> int:
    """Tokens of a block if the number of blocks is to be found; 0 if it is given, or the KV config refuses the size."""
    tokens = kv.get("block_size_tokens", TABLE_BLOCK_TOKENS)
    valid = isinstance(tokens, int) and not isinstance(tokens, bool) and tokens > 0
    return tokens if valid and "blocks" not in kv else 0


def _items(values: object) -> list[object]:
    """The items of a list; anything else counts as given, and is refused later with its type."""
    return list(values) if isinstance(values, list | tuple) else [values]


def _deployment(latency: Mapping, path: str) -> tuple[str, str, int]:
    """Model, GPU and tp, each of the right type; "" and 0 where they are left out."""
    for key, kind, expected in (("model", str, "a text"), ("gpu", str, "a text"), ("tp", int, "a whole number")):
        value = latency.get(key)
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            raise InputError(f"{path}.{key} must be {expected}, got {value!r}")
    return latency.get("model") or "", latency.get("gpu") or "", latency.get("tp") or 0
