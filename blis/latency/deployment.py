"""What a latency model's mapping says it runs on, for kinds whose numbers follow from it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blis.errors import InputError, in_short
from blis.latency.catalog import find_model, get_model, gpu_catalog, model_names
from blis.latency.hf_config import model_from_config
from blis.latency.registry import refuse
from blis.latency.shapes import ModelShape, Roofline
from blis.latency.sizes import kv_heads, layer_weights
from blis.latency.table import TABLE_BLOCK_TOKENS
from blis.yaml_strict import build, check_mapping, named_source, plain

if TYPE_CHECKING:
    from blis.config import LatencyModel

GIB = 2**30
_MAX_BLOCKS = 2**31 - 1
_MAX_TP = 4096

#: Of a roofline on `tp` GPUs: bytes of each GPU that weights take, that nothing may use, and that a token's KV takes.
KvRoom = Callable[[Roofline, int], tuple[float, float, float]]


def deployment(latency: dict[str, Any], path: str) -> tuple[str, str, int]:
    """Model, GPU and tp, each of the right type; "" and 0 where they are left out."""
    for key, kind, expected in (("model", str, "a text"), ("gpu", str, "a text"), ("tp", int, "a whole number")):
        value = latency.get(key)
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            raise InputError(f"{path}.{key} must be {expected}, got {in_short(value)}")
    return latency.get("model") or "", latency.get("gpu") or "", latency.get("tp") or 0


def open_block_tokens(kv: dict[str, Any]) -> int:
    """Tokens of a block if the number of blocks is to be found; 0 if it is given, or the KV config refuses the size."""
    tokens = kv.get("block_size_tokens", TABLE_BLOCK_TOKENS)
    valid = isinstance(tokens, int) and not isinstance(tokens, bool) and tokens > 0
    return tokens if valid and "blocks" not in kv else 0


def resolve_roofline(
    room: KvRoom, latency: dict[str, Any], kv: dict[str, Any], path: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Model and hardware come inline, by name or from a file; the cache has what is left of the GPUs' memory."""
    name, gpu, tp = deployment(latency, path)
    roofline = check_mapping(latency.get("roofline") or {}, f"{path}.roofline")
    if tp < 1:
        raise InputError(f"{path}: a roofline needs tp, the number of GPUs that share the model")
    latency = dict(latency)
    config = latency.pop("hf_config", None)
    if not roofline.get("model"):
        roofline["model"] = plain(_model(name, config, path))
    elif config is not None:
        raise InputError(f"{path}: give hf_config or roofline.model, not both")
    if not roofline.get("hardware"):
        if not gpu:
            names = ", ".join(each.name for each in gpu_catalog().gpus)
            raise InputError(f"{path}: a roofline needs gpu (one of: {names}) or roofline.hardware")
        with named_source(path):
            found = gpu_catalog().find(gpu)
        latency["gpu"] = found.name
        roofline["hardware"] = plain(found.hardware)
    latency |= {"beta": latency.get("beta") or [], "roofline": roofline}
    block_tokens = open_block_tokens(kv)
    if block_tokens:
        shape = build(Roofline, roofline, f"{path}.roofline")
        with named_source(path):
            kv = {**kv, "blocks": kv_blocks(room, shape, tp, block_tokens)}
    return latency, kv


def _model(name: str, config: object, path: str) -> Any:
    """The shape that a file describes, or that of a shipped model."""
    if config is not None:
        if not isinstance(config, str | Path):
            raise InputError(f"{path}.hf_config must be the path of a config.json, got {in_short(config)}")
        return described_model(config, name, path)
    if not name:
        known = ", ".join(model_names())
        raise InputError(f"{path}: a roofline needs model (one of: {known}), hf_config or roofline.model")
    with named_source(path):
        return find_model(name)


def described_model(file: str | Path, name: str, path: str) -> ModelShape:
    """The shape in a `config.json`, whatever its model is called, but by the name of a shipped one with other layers.

    Raises InputError for that name: results would be told under it. A shipped model stands for its quantised and tuned
    kin, so that widths of numbers and vocabularies may differ.
    """
    shape, shipped = model_from_config(file), get_model(name)
    if shipped and layer_weights(shape) != layer_weights(shipped):
        raise InputError(
            f"{path}.model is {name!r}, which has {layer_weights(shipped):,} weights in its layers, but {file}"
            f" describes a model with {layer_weights(shape):,}; give one of them, or another name"
        )
    return shape


def needed_roofline(model: LatencyModel) -> Roofline:
    """A latency model's roofline. Raises InputError if it has none, or numbers of another kind."""
    refuse(model, "beta", "parameters")
    if model.roofline is None or model.tp < 1:
        raise InputError("latency_model: a roofline needs model, hardware (gpu) and tp >= 1")
    _check_tp(model.roofline.model, model.tp)
    return model.roofline


def _check_tp(model: ModelShape, tp: int) -> None:
    """Raise InputError unless `tp` GPUs get the same number of heads each, and of KV heads, or share one.

    vLLM starts with no other, 0.6 to now (`verify_with_parallel_config`, and the attention of its models). Heads that
    share a latent vector have one, which every GPU holds.
    """
    heads, stored = model.num_heads, kv_heads(model)
    valid = [n for n in range(1, min(heads, _MAX_TP) + 1) if not heads % n and not (stored % n and n % stored)]
    if tp not in valid:
        raise InputError(
            f"latency_model.tp must divide {heads} attention heads, and {stored} KV heads or be a multiple of them:"
            f" one of {', '.join(map(str, valid))}; got {tp}"
        )


def kv_blocks(room: KvRoom, roofline: Roofline, tp: int, block_tokens: int) -> int:
    """KV blocks that fit beside the weights into the memory of `tp` GPUs, in the share of it that may be used.

    Raises InputError if the memory is not known, or the weights leave no room for a block.
    """
    hardware = roofline.hardware
    if not hardware.memory_gb:
        raise InputError("give kv.blocks, or roofline.hardware.memory_gb to derive it from")
    weights, reserved, token_bytes = room(roofline, tp)
    usable = hardware.memory_gb * GIB * roofline.memory_utilization - reserved
    blocks = int((usable - weights) / (token_bytes * block_tokens)) if weights < usable else 0
    if blocks < 1:
        raise InputError(
            f"the weights take {weights / GIB:.1f} GB of each of {tp} GPUs, which leaves no room for a KV block in"
            f" {usable / GIB:.1f} GB ({hardware.memory_gb:g} GB x memory_utilization {roofline.memory_utilization:g},"
            f" less {reserved / GIB:g} GB that the engine needs); raise tp, or give kv.blocks"
        )
    return min(blocks, _MAX_BLOCKS)
