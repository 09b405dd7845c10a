"""Files of others that describe a roofline: a model's `config.json` from Hugging Face, the original's GPU file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from blis.config import Hardware, ModelShape
from blis.errors import InputError, check_integer, check_number, unknown_name
from blis.files import read_text
from blis.json_strict import parse_json
from blis.latency.catalog import gpu_catalog, gpu_key
from blis.yaml_strict import check_mapping, named_source

#: Bytes of one parameter; what is smaller than a byte counts as one, as in the original.
_DTYPE_BYTES = {
    "float32": 4.0,
    "float16": 2.0,
    "bfloat16": 2.0,
    "int8": 1.0,
    "uint8": 1.0,
    "fp8": 1.0,
    "float8_e4m3fn": 1.0,
    "float8_e5m2": 1.0,
    "int4": 1.0,
    "nf4": 1.0,
}

#: Field of ModelShape -> keys that hold it, the first one present counts.
_MODEL_KEYS = {
    "num_layers": ("num_hidden_layers",),
    "hidden_size": ("hidden_size",),
    "num_heads": ("num_attention_heads",),
    "num_kv_heads": ("num_key_value_heads",),
    "intermediate_size": ("intermediate_size",),
    "vocab_size": ("vocab_size",),
    "head_dim": ("head_dim",),
    "experts": ("num_local_experts", "num_experts"),
    "experts_per_token": ("num_experts_per_tok",),
    "expert_intermediate_size": ("moe_intermediate_size",),
}
_REQUIRED = ("num_layers", "hidden_size", "num_heads")

#: Field of Hardware -> key of the original's file.
_HARDWARE_KEYS = {
    "tflops_peak": "TFlopsPeak",
    "bw_peak_tbs": "BwPeakTBs",
    "bw_efficiency": "BwEffConstant",
    "step_overhead_us": "TOverheadMicros",
    "per_layer_overhead_us": "perLayerOverhead",
    "mfu_prefill": "mfuPrefill",
    "mfu_decode": "mfuDecode",
    "all_reduce_latency_us": "allReduceLatency",
}


def model_from_folder(folder: str | Path) -> ModelShape:
    """The model that the `config.json` in a folder describes; entries of its `text_config` win over the others.

    Raises InputError naming the file and the key that is missing or strange.
    """
    path = Path(folder) / "config.json"
    with named_source(path):
        top = _load_json(path)
        config = {**top, **check_mapping(top.get("text_config") or {}, "text_config")}
        values = {field: _whole_number(config, keys, field in _REQUIRED) for field, keys in _MODEL_KEYS.items()}
        if not values["experts"]:
            values["experts_per_token"] = 0
        return ModelShape(**values, bytes_per_param=_parameter_bytes(config))


def hardware_from_file(path: str | Path, gpu: str) -> Hardware:
    """One GPU of a hardware file in the original's form (JSON): by its name there, or any other name that it has.

    Keys that it does not need are left aside. The file holds no memory: that of a shipped GPU of this name is taken.
    Raises InputError naming the file, and the GPUs that are in it.
    """
    with named_source(path):
        entries = _load_json(path)
        name = next((name for name in entries if gpu_key(name) == gpu_key(gpu)), None)
        if name is None:
            raise unknown_name("gpu", gpu, entries)
        entry = check_mapping(entries[name], name)
        values = {}
        for field, key in _HARDWARE_KEYS.items():
            if key not in entry:
                raise InputError(f"missing key {name}.{key}")
            check_number(f"{name}.{key}", entry[key])
            values[field] = float(entry[key])
        known = gpu_catalog().get(gpu)
        return Hardware(**values, memory_gb=known.hardware.memory_gb if known else 0.0)


def _load_json(path: str | Path) -> dict[str, Any]:
    try:
        document = parse_json(read_text(path))
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"not valid JSON: {error}") from None
    return check_mapping(document, "the document")


def _whole_number(config: dict[str, Any], keys: tuple[str, ...], required: bool) -> int:
    """The value of the first key that is there and not null; 0 without one."""
    for key in keys:
        value = config.get(key)
        if value is not None:
            check_integer(key, value, 0, 2**31 - 1)
            return int(value)
    if required:
        raise InputError(f"missing key {keys[0]}")
    return 0


def _parameter_bytes(config: dict[str, Any]) -> float:
    """Newer files say `dtype`, older ones `torch_dtype`."""
    name = config.get("dtype") or config.get("torch_dtype")
    if name is None:
        raise InputError("missing key torch_dtype (or dtype)")
    if not isinstance(name, str) or name.removeprefix("torch.") not in _DTYPE_BYTES:
        raise unknown_name("torch_dtype", name, _DTYPE_BYTES)
    return _DTYPE_BYTES[name.removeprefix("torch.")]
