"""Coefficients files: what `blis fit` found in the log of a server, as YAML, for `latency_model.coefficients`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from blis.errors import InputError, check_choice, in_short
from blis.latency.catalog import gpu_key
from blis.latency.fitted import Fitted
from blis.yaml_strict import build, dump_yaml, load_mapping, named_source, plain

FORMAT = 1


@dataclass(frozen=True)
class CoefficientsFile:
    """A latency model, what it was fitted to, and on which server."""

    format: int
    kind: str
    parameters: dict[str, float]
    source: str
    n: int
    error: dict[str, float] = field(default_factory=dict)
    #: 95 %, all at once; without an upper end where the log does not tell the price
    interval: dict[str, tuple[float, float | None]] = field(default_factory=dict)
    alpha: tuple[float, float, float] = (0.0, 0.0, 0.0)
    model: str = ""
    gpu: str = ""
    tp: int = 0
    vllm: str = ""
    engine: str = ""  # that the log was simulated with, as the text of a scenario's `instance.engine`
    kv_blocks: int = 0
    block_size_tokens: int = 0
    max_running: int = 0
    max_scheduled_tokens: int = 0
    assumed: tuple[str, ...] = ()  # what the log did not say
    draws: tuple[dict[str, float], ...] = ()

    def __post_init__(self) -> None:
        """Check the version."""
        check_choice("format", str(self.format), [str(FORMAT)])

    @property
    def limits(self) -> dict[str, int]:
        """Of a step's batch, as `instance.batch` of a scenario has them; those that are known."""
        limits = {"max_running": self.max_running, "max_scheduled_tokens": self.max_scheduled_tokens}
        return {name: value for name, value in limits.items() if value}

    @property
    def fitted(self) -> Fitted:
        """What a scenario keeps of it beside the parameters."""
        not_told = tuple(name for name, (_, high) in self.interval.items() if high is None)
        return Fitted(self.source, self.n, self.error, self.draws, not_told)


def load_coefficients(path: str | Path) -> CoefficientsFile:
    """A file as `save_coefficients` writes it. Raises InputError naming file and key."""
    with named_source(path):
        return build(CoefficientsFile, load_mapping(path))


def save_coefficients(path: str | Path, file: CoefficientsFile) -> None:
    """Write a file, whole or not at all."""
    mapping = {key: value for key, value in plain(file).items() if value not in ("", 0, [], {})}
    dump_yaml(mapping, path)


def with_coefficients(latency: dict[str, Any], kv: dict[str, Any], path: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A latency model's mapping and its KV cache's, with what its `coefficients` file says in the place of its name.

    Raises InputError if the file is of another server than the mapping, or the mapping has numbers of its own.
    """
    if latency.get("coefficients") is None:
        return latency, kv
    latency = dict(latency)
    name = latency.pop("coefficients")
    if not isinstance(name, str):
        raise InputError(f"{path}.coefficients must be the path of a file, got {in_short(name)}")
    own = [key for key in _OWN if latency.get(key)]
    if own:
        raise InputError(f"{path}: coefficients and {', '.join(own)} exclude each other")
    file = load_coefficients(name)
    for key in ("model", "gpu", "tp"):
        given, fitted = latency.get(key), getattr(file, key)
        if given and fitted and _short(given) != _short(fitted):
            raise InputError(f"{path}.{key} is {given!r}, but {name} was fitted to {fitted!r}")
        if fitted and not given:
            latency[key] = fitted
    found = {"kind": file.kind, "alpha": list(file.alpha), "parameters": file.parameters, "fitted": plain(file.fitted)}
    if file.kv_blocks and "blocks" not in kv:
        kv = {"block_size_tokens": file.block_size_tokens or 16, **kv, "blocks": file.kv_blocks}
    return {**latency, **found}, kv


def unsaid(latency: Mapping[str, Any]) -> list[str]:
    """What a latency model's mapping says of its server, and its coefficients file does not: nobody can compare."""
    file = file_of(latency)
    return [key for key in ("model", "gpu", "tp") if file and latency.get(key) and not getattr(file, key)]


def file_of(latency: Mapping[str, Any]) -> CoefficientsFile | None:
    """The file that a latency model's mapping names, None if it names none."""
    name = latency.get("coefficients")
    return load_coefficients(name) if isinstance(name, str) else None


_OWN = ("kind", "alpha", "beta", "roofline", "parameters", "hf_config", "fitted")


def _short(name: object) -> object:
    """A name without case, a model's without its organisation, a GPU's as the catalogue has it."""
    return gpu_key(name.rsplit("/", 1)[-1]) if isinstance(name, str) else name
