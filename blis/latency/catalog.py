"""The shipped models and GPUs, by the names people use for them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from blis.errors import InputError, unknown_name
from blis.latency.shapes import Hardware, ModelShape
from blis.yaml_strict import build, load_mapping, named_source

HARDWARE_FILE = Path(__file__).with_name("hardware.yaml")
MODEL_FOLDER = Path(__file__).with_name("models")

#: What names of quantised checkpoints end in (Red Hat's, made with llm-compressor), and what differs in their layers:
#: bytes of a number with its share of a scale, and the arithmetic. Head and embedding stay as they are, and attention
#: where the model's file gives its width.
QUANTISED: dict[str, dict[str, Any]] = {
    "-fp8-dynamic": {"bytes_per_param": 1.0, "math": "fp8"},
    "-quantized.w8a8": {"bytes_per_param": 1.0, "math": "int8"},
    "-quantized.w4a16": {"bytes_per_param": (4 + 16 / 128) / 8},  # a scale of 16 bits for 128 numbers
}


@dataclass(frozen=True)
class Gpu:
    """One GPU, and what else it is called."""

    name: str
    hardware: Hardware
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class GpuCatalog:
    """All shipped GPUs; refuses a name that stands for two."""

    gpus: tuple[Gpu, ...]

    def __post_init__(self) -> None:
        """Check that every name is there once."""
        names = [_plain_name(name) for gpu in self.gpus for name in {gpu.name, *gpu.aliases}]
        for gpu in self.gpus:
            for name in (gpu.name, *gpu.aliases):
                if names.count(_plain_name(name)) > 1:
                    raise InputError(f"gpus: {name!r} is given twice")

    def get(self, name: str) -> Gpu | None:
        """The GPU of that name or alias, as people and drivers write it."""
        for gpu in self.gpus:
            if _plain_name(name) in (_plain_name(each) for each in (gpu.name, *gpu.aliases)):
                return gpu
        return None

    def find(self, name: str) -> Gpu:
        """The same, or InputError with all names."""
        gpu = self.get(name)
        if gpu is None:
            raise unknown_name("gpu", name, (each for gpu in self.gpus for each in (gpu.name, *gpu.aliases)))
        return gpu


def _plain_name(name: str) -> str:
    """A GPU's name without its vendor, and with letters and digits only: "NVIDIA H100 80GB HBM3" is h10080gbhbm3."""
    words = re.findall(r"[a-z0-9]+", name.lower())
    return "".join(word for word in words if word not in ("nvidia", "amd", "instinct", "geforce"))


@lru_cache(maxsize=1)
def gpu_catalog() -> GpuCatalog:
    """The GPUs that ship with the package."""
    with named_source(HARDWARE_FILE):
        return build(GpuCatalog, load_mapping(HARDWARE_FILE))


def gpu_key(name: str) -> str:
    """One text for all names of a GPU, to compare names by; an unknown GPU is its own."""
    gpu = gpu_catalog().get(name)
    return (gpu.name if gpu else name).lower()


@lru_cache(maxsize=1)
def model_names() -> tuple[str, ...]:
    """Names of the shipped models."""
    return tuple(sorted(path.stem for path in MODEL_FOLDER.glob("*.yaml")))


def get_model(name: str) -> ModelShape | None:
    """A shipped model by its name, whatever the case and with or without the organisation before it.

    A base model and those tuned from it have one shape, so that the ending of a tuned one may be there or not; one of
    `QUANTISED` makes its numbers narrower.
    """
    short = _short(name)
    ending = next((each for each in QUANTISED if short.endswith(each)), "")
    asked = _untuned(short.removesuffix(ending))
    found = next((known for known in model_names() if _untuned(known) == asked), None)
    if found is None:
        return None
    path = MODEL_FOLDER / f"{found}.yaml"
    with named_source(path):
        return replace(build(ModelShape, load_mapping(path)), **QUANTISED.get(ending, {}))


def find_model(name: str) -> ModelShape:
    """The same, or InputError with the nearest name."""
    found = get_model(name)
    if found is None:
        raise unknown_name("model", _short(name), model_names())
    return found


def _short(name: str) -> str:
    """A model's name without its organisation."""
    return name.rsplit("/", 1)[-1].lower()


def _untuned(name: str) -> str:
    """A model's name without the ending that says how it was tuned."""
    return re.sub(r"(-instruct|-chat|-it|-hf|-base|-thinking|-v0\.\d|-25\d\d|-0324)+$", "", name)
