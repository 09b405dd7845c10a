"""The shipped coefficients: look up a deployment by model, GPU and tensor parallelism (engine.md 11.4, 11.5, 13.2)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from blis.errors import InputError, unknown_name
from blis.latency.catalog import gpu_key
from blis.yaml_strict import build, load_yaml, named_source

TABLE_FILE = Path(__file__).with_name("coefficients.yaml")
TABLE_BLOCK_TOKENS = 16  # the block size that the table's KV counts assume


@dataclass(frozen=True)
class Deployment:
    """What a model runs on when nothing is said."""

    model: str
    gpu: str
    tp: int
    vllm: str


@dataclass(frozen=True)
class Coefficients:
    """One fitted deployment: blackbox coefficients in µs and µs a token, and the size of its KV cache."""

    model: str
    gpu: str
    tp: int
    vllm: str  # version that was measured
    kv_blocks: int  # of TABLE_BLOCK_TOKENS tokens
    alpha: tuple[float, float, float]
    beta: tuple[float, float, float]


@dataclass(frozen=True)
class CoefficientTable:
    """All shipped deployments; refuses two entries for one (model, GPU, tp)."""

    defaults: tuple[Deployment, ...]
    coefficients: tuple[Coefficients, ...]

    def __post_init__(self) -> None:
        """Check that every key is there once and that every default has coefficients."""
        keys: set[tuple[str, str, int]] = set()
        for entry in self.coefficients:
            key = _key(entry.model, entry.gpu, entry.tp)
            if key in keys:
                raise InputError(f"coefficients: {entry.model}, {entry.gpu}, tp {entry.tp} is given twice")
            keys.add(key)
        models: set[str] = set()
        for default in self.defaults:
            if default.model.lower() in models:
                raise InputError(f"defaults: {default.model} is given twice")
            if _key(default.model, default.gpu, default.tp) not in keys:
                raise InputError(f"defaults: {default.model}, {default.gpu}, tp {default.tp} has no coefficients")
            models.add(default.model.lower())

    def find(self, model: str, gpu: str = "", tp: int = 0) -> Coefficients:
        """The entry for a deployment; an empty GPU or a tp of 0 means the model's default one.

        Case does not matter. Raises InputError that lists what there is for the model, or the nearest model.
        """
        entries = [entry for entry in self.coefficients if entry.model.lower() == model.lower()]
        if not entries:
            raise unknown_name("model", model, {entry.model for entry in self.coefficients})
        default = next((row for row in self.defaults if row.model.lower() == model.lower()), None)
        if default is not None:
            gpu, tp = gpu or default.gpu, tp or default.tp
        for entry in entries:
            if _key(entry.model, entry.gpu, entry.tp) == _key(model, gpu, tp):
                return entry
        asked = f"gpu {gpu or 'not given'}, tp {tp or 'not given'}"
        there = "; ".join(f"gpu {entry.gpu}, tp {entry.tp}" for entry in entries)
        raise InputError(f"no coefficients for model {model!r} with {asked}; there are: {there}")


@lru_cache(maxsize=1)
def coefficient_table() -> CoefficientTable:
    """The table that ships with the package."""
    return load_table(TABLE_FILE)


def load_table(path: str | Path) -> CoefficientTable:
    """A table from a YAML file. Raises InputError for duplicates and anything that does not parse."""
    with named_source(path):
        return build(CoefficientTable, load_yaml(path))


def _key(model: str, gpu: str, tp: int) -> tuple[str, str, int]:
    return model.lower(), gpu_key(gpu), tp
