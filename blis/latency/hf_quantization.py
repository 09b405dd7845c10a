"""How wide the numbers of a checkpoint are: what a `config.json` says of its data type and its quantisation."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from blis.errors import InputError, check_choice, check_integer, in_short, unknown_name
from blis.yaml_strict import check_mapping

#: Bytes of one number as it is served. vLLM's `dtype: auto`, which is the default, makes 16 bits of 32 (0.4 to now:
#: `_resolve_auto_dtype` of vllm/config/model.py, "downcast for float32 models").
_BYTES = {
    "float32": 2.0,
    "float16": 2.0,
    "bfloat16": 2.0,
    "int8": 1.0,
    "uint8": 1.0,
    "fp8": 1.0,
    "float8_e4m3fn": 1.0,
    "float8_e5m2": 1.0,
    "int4": 0.5,
    "nf4": 0.5,
}

#: Matrices that may stay as they are without telling more than is known: head, embedding, router, and what is no
#: part of the layers.
_BESIDE = re.compile(
    r"head|embed|norm|router|(^|[.*])gate([.$]|$)|shared_expert_gate|visi|visual|multi_modal|audio|mtp|eh_proj"
)

#: Keys by which each part is quantised in its own way.
_EACH_PART = ("dynamic", "modules_in_block_to_quantize", "quantized_layers")

#: Keys that name the matrices which stay as they are.
_EXCEPT = ("modules_to_not_convert", "ignored_layers", "ignore", "exclude_modules", "llm_int8_skip_modules")

Widths = dict[str, Any]


def number_bytes(config: Mapping[str, Any]) -> float:
    """Bytes of one number that is not quantised. Newer files say `dtype`, older ones `torch_dtype`."""
    name = config.get("dtype") or config.get("torch_dtype")
    if name is None:
        raise InputError("missing key torch_dtype (or dtype)")
    if not isinstance(name, str) or name.removeprefix("torch.") not in _BYTES:
        raise unknown_name("torch_dtype", name, _BYTES)
    return _BYTES[name.removeprefix("torch.")]


def quantised_widths(config: Mapping[str, Any], plain: float, layers: int) -> Widths:
    """Fields of ModelShape: bytes of a number in each kind of matrix, and what they are multiplied in.

    plain: bytes of what is not quantised. Raises InputError for a method, or an exception to it, that is not known.
    """
    if not config.get("quantization_config"):
        return {"bytes_per_param": plain}
    given = check_mapping(config["quantization_config"], "quantization_config")
    method = given.get("quant_method")
    if not isinstance(method, str) or method not in _METHODS:
        raise unknown_name("quantization_config.quant_method", method, _METHODS)
    for key in _EACH_PART:
        if given.get(key):
            raise InputError(f"quantization_config.{key} ({in_short(given[key])}) is not understood")
    bits, math = _METHODS[method](given)
    found: Widths = {"bytes_per_param": bits / 8, "math": math}
    found["head_bytes_per_param"] = bits / 8 if given.get("lm_head") is True else plain
    if _keeps_attention(given, layers):
        found["attention_bytes_per_param"] = plain
    scheme = given.get("kv_cache_scheme")
    if scheme:
        found["kv_bytes_per_value"] = (
            _bits(check_mapping(scheme, "quantization_config.kv_cache_scheme"), "num_bits") / 8
        )
    return found


def _list(given: Mapping[str, Any], key: str) -> list[Any]:
    """The list under a key, empty if it is not there or null. Raises InputError for anything else."""
    value = given.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise InputError(f"quantization_config.{key} must be a list, got {in_short(value)}")
    return value


def _fp8(given: Mapping[str, Any]) -> tuple[float, str]:
    """A scale of 32 bits for each block, if there are any."""
    block = _list(given, "weight_block_size")
    for size in block:
        check_integer("quantization_config.weight_block_size", size, 1, 2**20)
    return 8 + (32 / (block[0] * block[1]) if len(block) == 2 else 0), "fp8"


def _mxfp4(given: Mapping[str, Any]) -> tuple[float, str]:
    """A scale of 8 bits for 32 numbers; most GPUs multiply them as bf16."""
    return 4.25, "bf16"


def _grouped(given: Mapping[str, Any]) -> tuple[float, str]:
    """AWQ and GPTQ: for each group of numbers a scale of 16 bits and a zero point as wide as they are."""
    bits = _bits(given, "bits")
    return bits + _per_group(given, 16 + bits), "bf16"


def _bitsandbytes(given: Mapping[str, Any]) -> tuple[float, str]:
    """8 bits, or 4 and a scale of 32 bits for 64 numbers, which may be quantised itself."""
    if given.get("load_in_8bit"):
        return 8.0, "int8"
    if not given.get("load_in_4bit"):
        raise InputError("quantization_config needs load_in_4bit or load_in_8bit")
    return 4 + (8 / 64 + 32 / (64 * 256) if given.get("bnb_4bit_use_double_quant") else 32 / 64), "bf16"


def _compressed_tensors(given: Mapping[str, Any]) -> tuple[float, str]:
    """All groups of matrices must be alike."""
    groups = check_mapping(given.get("config_groups") or {}, "quantization_config.config_groups")
    found = {_group(check_mapping(each, f"quantization_config.config_groups.{key}")) for key, each in groups.items()}
    if len(found) != 1:
        raise InputError(f"quantization_config.config_groups must be one kind of group, got {len(found)}")
    return found.pop()


def _group(group: Mapping[str, Any]) -> tuple[float, str]:
    """Bits of a weight with the scale of its group, and what it is multiplied in: as wide as the activations are."""
    weights = check_mapping(group.get("weights") or {}, "quantization_config.config_groups.weights")
    activations = group.get("input_activations")
    bits, kind = _bits(weights, "num_bits"), weights.get("type", "int")
    check_choice("quantization_config.config_groups.weights.type", kind, ("int", "float"))
    scale = 8 if (bits, kind) == (4, "float") else 16
    math = {(8, "float"): "fp8", (8, "int"): "int8", (4, "float"): "fp4"}.get((bits, kind), "bf16")
    alike = isinstance(activations, dict) and activations.get("num_bits") == bits
    return bits + _per_group(weights, scale), math if alike else "bf16"


def _modelopt(given: Mapping[str, Any]) -> tuple[float, str]:
    """NVFP4 has a scale of 8 bits for 16 numbers."""
    known = {"FP8": (8.0, "fp8"), "NVFP4": (4.5, "fp4")}
    name = given.get("quant_algo")
    if not isinstance(name, str) or name not in known:
        raise unknown_name("quantization_config.quant_algo", name, known)
    return known[name]


#: Bits of a number with what belongs to its group, and what it is multiplied in, by the method's name.
_METHODS: dict[str, Callable[[Mapping[str, Any]], tuple[float, str]]] = {
    "awq": _grouped,
    "bitsandbytes": _bitsandbytes,
    "compressed-tensors": _compressed_tensors,
    "fp8": _fp8,
    "gptq": _grouped,
    "modelopt": _modelopt,
    "mxfp4": _mxfp4,
}


def _bits(given: Mapping[str, Any], key: str) -> int:
    if given.get(key) is None:
        raise InputError(f"missing key {key} of quantization_config")
    check_integer(f"quantization_config: {key}", given[key], 1, 16)
    return int(given[key])


def _per_group(given: Mapping[str, Any], bits: float) -> float:
    """Bits a number that a group of them shares; without groups there is one for a whole row."""
    group = given.get("group_size")
    return bits / group if isinstance(group, int) and group > 0 else 0.0


def _keeps_attention(given: Mapping[str, Any], layers: int) -> bool:
    """Whether the projections of attention stay as they are, in all layers. Raises InputError for any other part."""
    kept: set[str] = set()
    for key in _EXCEPT:
        for name in _list(given, key):
            if not isinstance(name, str) or not (_BESIDE.search(name) or "attn" in name):
                raise InputError(f"quantization_config.{key}: {in_short(name)} is not understood")
            if "attn" in name and not _BESIDE.search(name):
                kept |= set(re.findall(r"layers\.(\d+)\.", name)) or {"all"}
    if kept and "all" not in kept and len(kept) != layers:
        raise InputError(f"quantization_config: attention is quantised in {layers - len(kept)} of {layers} layers")
    return bool(kept)
