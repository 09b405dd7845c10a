"""The shipped models and GPUs, by the names people use for them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from blis.errors import InputError, unknown_name
from blis.latency.shapes import Hardware, ModelShape
from blis.yaml_strict import build, load_mapping, named_source

HARDWARE_FILE = Path(__file__).with_name("hardware.yaml")
MODEL_FOLDER = Path(__file__).with_name("models")


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
        names = [name.lower() for gpu in self.gpus for name in (gpu.name, *gpu.aliases)]
        for name in names:
            if names.count(name) > 1:
                raise InputError(f"gpus: {name!r} is given twice")

    def get(self, name: str) -> Gpu | None:
        """The GPU of that name or alias, whatever the case."""
        for gpu in self.gpus:
            if name.lower() in (each.lower() for each in (gpu.name, *gpu.aliases)):
                return gpu
        return None

    def find(self, name: str) -> Gpu:
        """The same, or InputError with all names."""
        gpu = self.get(name)
        if gpu is None:
            raise unknown_name("gpu", name, (each for gpu in self.gpus for each in (gpu.name, *gpu.aliases)))
        return gpu


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


def find_model(name: str) -> ModelShape:
    """A shipped model by its name, whatever the case and with or without the organisation before it.

    Raises InputError with the nearest name.
    """
    short = name.rsplit("/", 1)[-1].lower()
    if short not in model_names():
        raise unknown_name("model", short, model_names())
    path = MODEL_FOLDER / f"{short}.yaml"
    with named_source(path):
        return build(ModelShape, load_mapping(path))
