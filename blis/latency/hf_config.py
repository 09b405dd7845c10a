"""A model's `config.json` as Hugging Face has it: its shape, or an error that names the key that is not understood.

What the keys mean is that of the models in transformers 5.24 and vLLM 0.19. Of a model that also sees or hears only
the text part is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from blis.errors import InputError, check_integer, in_short, unknown_name
from blis.files import read_text
from blis.json_strict import parse_json
from blis.latency.hf_quantization import number_bytes, quantised_widths
from blis.latency.hf_strange import refuse_strange
from blis.latency.shapes import ModelShape
from blis.yaml_strict import check_mapping, named_source

#: Field of ModelShape -> keys that hold it.
_KEYS = {
    "num_layers": ("num_hidden_layers",),
    "hidden_size": ("hidden_size",),
    "num_heads": ("num_attention_heads",),
    "num_kv_heads": ("num_key_value_heads", "num_kv_heads", "n_head_kv", "multi_query_group_num"),
    "intermediate_size": ("intermediate_size",),
    "vocab_size": ("vocab_size",),
    "head_dim": ("head_dim",),
    "kv_latent": ("kv_lora_rank",),
    "q_latent": ("q_lora_rank",),
    "rope_head_dim": ("qk_rope_head_dim",),
    "nope_head_dim": ("qk_nope_head_dim",),
    "v_head_dim": ("v_head_dim",),
    "experts": ("n_routed_experts", "num_local_experts", "num_experts"),
    "experts_per_token": ("num_experts_per_tok", "experts_per_token", "num_experts_per_token"),
    "expert_intermediate_size": ("moe_intermediate_size",),
}
_REQUIRED = ("num_layers", "hidden_size", "num_heads", "vocab_size")

#: Keys of experts that every token passes: how many there are, of an expert's width each; or their width in all.
_SHARED_COUNT = ("n_shared_experts", "num_shared_experts")
_SHARED_WIDTH = ("shared_expert_intermediate_size", "shared_intermediate_size")

#: Keys that say which layers are of another kind.
_LAYERS = (
    *("layer_types", "sliding_window", "use_sliding_window", "max_window_layers"),
    *("sliding_window_pattern", "_sliding_window_pattern"),
    *("first_k_dense_replace", "mlp_only_layers", "decoder_sparse_step", "moe_layer_freq"),
)

_KNOWN = {key for keys in _KEYS.values() for key in keys} | {*_SHARED_COUNT, *_SHARED_WIDTH, *_LAYERS}

#: Models that use their embedding as head unless they say otherwise.
_TIED = ("gemma", "cohere", "ernie4_5", "smollm3")

#: Models whose heads are as wide as their build says where the file does not; others have hidden_size / heads.
_OWN_HEAD_DIM = ("ernie4_5", "gemma", "glm", "gpt_oss", "helium", "ministral3", "qwen3", "seed_oss", "solar_open")

#: Models that store every head where the file does not say how many; others have a number of their own then.
_ALL_HEADS = ("cohere", "granite", "llama", "olmo", "phi3")

#: Models of which every so many-th layer looks back over all context, where the file does not say which.
_FULL_EVERY = {
    "cohere2": 4,
    "cwm": 4,
    "exaone4": 4,
    "gemma2": 2,
    "gemma3": 6,
    "gemma3_text": 6,
    "gpt_oss": 2,
    "olmo3": 4,
}


def model_from_config(path: str | Path) -> ModelShape:
    """The model that a `config.json` describes; entries of its `text_config` win over the others.

    Raises InputError naming the file and the key that is missing, strange or not understood.
    """
    with named_source(path):
        top = load_json(path)
        config = {**top, **check_mapping(top.get("text_config") or {}, "text_config")}
        refuse_strange(config, _KNOWN)
        values: dict[str, Any] = {field: _size(config, keys, field in _REQUIRED) for field, keys in _KEYS.items()}
        family = str(config["model_type"])
        if not values["head_dim"] and not values["kv_latent"] and family.startswith(_OWN_HEAD_DIM):
            raise InputError("missing key head_dim")
        if not values["num_kv_heads"] and not values["kv_latent"] and not family.startswith(_ALL_HEADS):
            raise InputError("missing key num_key_value_heads")
        if not values["experts"]:
            values |= {"experts_per_token": 0, "expert_intermediate_size": 0}
        if not values["kv_latent"]:
            values |= dict.fromkeys(("q_latent", "rope_head_dim", "nope_head_dim", "v_head_dim"), 0)
        layers = values["num_layers"]
        values |= _experts(config, values) if values["experts"] else {}
        values |= _windows(config, layers)
        if not values["intermediate_size"] and values["dense_layers" if values["experts"] else "num_layers"]:
            raise InputError("missing key intermediate_size")
        tied = config.get("tie_word_embeddings")
        if tied is not None and not isinstance(tied, bool):
            raise InputError(f"tie_word_embeddings must be true or false, got {tied!r}")
        values["tied_embeddings"] = family.startswith(_TIED) if tied is None else tied
        return ModelShape(**values, **quantised_widths(config, number_bytes(config), layers))


def load_json(path: str | Path) -> dict[str, Any]:
    """The mapping in a JSON file."""
    try:
        document = parse_json(read_text(path))
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"not valid JSON: {error}") from None
    return check_mapping(document, "the document")


def _size(config: Mapping[str, Any], keys: tuple[str, ...], required: bool = False) -> int:
    """The value of the keys that are there and not null, which must agree; 0 without one."""
    given = {key: config[key] for key in keys if config.get(key) is not None}
    for key, value in given.items():
        check_integer(key, value, 0, 2**31 - 1)
    if len(set(given.values())) > 1:
        raise InputError(f"{' and '.join(f'{key} {value}' for key, value in given.items())} contradict each other")
    if required and not given:
        raise InputError(f"missing key {keys[0]}")
    return next(iter(given.values()), 0)


def _experts(config: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, int]:
    """Experts that every token passes, and layers without experts."""
    if not values["experts_per_token"]:
        raise InputError("missing key num_experts_per_tok")
    width = values["expert_intermediate_size"] or values["intermediate_size"]
    if not width:
        raise InputError("missing key moe_intermediate_size")
    return {
        "expert_intermediate_size": width,
        "shared_intermediate_size": _size(config, _SHARED_WIDTH) or _size(config, _SHARED_COUNT) * width,
        "dense_layers": sum(
            not _has_experts(config, layer, values["num_layers"]) for layer in range(values["num_layers"])
        ),
    }


def _has_experts(config: Mapping[str, Any], layer: int, layers: int) -> bool:
    """Whether a layer is one of those with experts."""
    first = _size(config, ("first_k_dense_replace",))
    step = max(_size(config, ("decoder_sparse_step",)), 1)
    often = config.get("moe_layer_freq")
    if isinstance(often, list):
        if len(often) != layers:
            raise InputError(f"moe_layer_freq must have {layers} values, got {len(often)}")
        return bool(often[layer])
    every = max(_size(config, ("moe_layer_freq",)), 1)
    only_mlp = config.get("mlp_only_layers") or []
    if not isinstance(only_mlp, list):
        raise InputError(f"mlp_only_layers must be a list, got {only_mlp!r}")
    return layer >= first and layer % every == 0 and (layer + 1) % step == 0 and layer not in only_mlp


def _windows(config: Mapping[str, Any], layers: int) -> dict[str, int]:
    """Layers that look back over a window."""
    window = _size(config, ("sliding_window",))
    sliding = _sliding_layers(config, layers) if window and config.get("use_sliding_window") is not False else 0
    if not sliding:
        _layer_types(config, layers)
        return {"sliding_layers": 0, "sliding_window": 0}
    return {"sliding_layers": sliding, "sliding_window": window}


def _sliding_layers(config: Mapping[str, Any], layers: int) -> int:
    """How many there are, if there is a window: as the layers say, all but every so many-th, those from one on, all."""
    kinds = _layer_types(config, layers)
    if kinds is not None:
        return kinds.count("sliding_attention")
    pattern = _size(config, ("sliding_window_pattern", "_sliding_window_pattern"))
    pattern = pattern or _FULL_EVERY.get(config["model_type"], 0)
    if pattern:
        return layers - layers // pattern
    if config.get("use_sliding_window"):
        return max(layers - _size(config, ("max_window_layers",)), 0)
    return layers


def _layer_types(config: Mapping[str, Any], layers: int) -> list[str] | None:
    """The kind of each layer, if they are given. Raises InputError for a kind that is not understood."""
    kinds = config.get("layer_types")
    if kinds is None:
        return None
    if not isinstance(kinds, list) or len(kinds) != layers:
        raise InputError(f"layer_types must be a list of {layers} names, got {in_short(kinds)}")
    for kind in kinds:
        if kind not in ("full_attention", "sliding_attention"):
            raise unknown_name("kind of layer in layer_types", kind, ("full_attention", "sliding_attention"))
    return kinds
