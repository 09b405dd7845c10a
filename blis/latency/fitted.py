"""Coefficients files: what `blis fit` found in the log of a server, as YAML, for `latency_model.coefficients`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from blis.errors import InputError, check_choice, check_integer, check_number
from blis.yaml_strict import build, dump_yaml, load_mapping, named_source, plain

FORMAT = 1


@dataclass(frozen=True)
class Fitted:
    """Where fitted parameters come from, and how far they may be off."""

    source: str  # names of the logs, and how much of them the fit saw
    n: int  # requests, or steps, that it saw
    error: dict[str, float] = field(default_factory=dict, hash=False)  # percent, of what it did not see
    draws: tuple[dict[str, float], ...] = field(default=(), hash=False)  # parameters that could as well have come out

    def __post_init__(self) -> None:
        """Check the numbers."""
        if not self.source:
            raise InputError("fitted.source must say where the coefficients come from")
        check_integer("fitted.n", self.n, 1)
        for name, value in self.error.items():
            check_number(f"fitted.error.{name}", value, 0, 1e9)


@dataclass(frozen=True)
class CoefficientsFile:
    """A latency model, what it was fitted to, and on which server."""

    format: int
    kind: str
    parameters: dict[str, float]
    source: str
    n: int
    error: dict[str, float] = field(default_factory=dict)
    interval: dict[str, tuple[float, float]] = field(default_factory=dict)  # 95 %, all at once
    alpha: tuple[float, float, float] = (0.0, 0.0, 0.0)
    model: str = ""
    gpu: str = ""
    tp: int = 0
    vllm: str = ""
    engine: str = ""  # profile that the log was simulated with
    kv_blocks: int = 0
    block_size_tokens: int = 0
    assumed: tuple[str, ...] = ()  # what the log did not say
    draws: tuple[dict[str, float], ...] = ()

    def __post_init__(self) -> None:
        """Check the version."""
        check_choice("format", str(self.format), [str(FORMAT)])

    @property
    def fitted(self) -> Fitted:
        """What a scenario keeps of it beside the parameters."""
        return Fitted(self.source, self.n, self.error, self.draws)


def load_coefficients(path: str | Path) -> CoefficientsFile:
    """A file as `save_coefficients` writes it. Raises InputError naming file and key."""
    with named_source(path):
        return build(CoefficientsFile, load_mapping(path))


def save_coefficients(path: str | Path, file: CoefficientsFile) -> None:
    """Write a file, whole or not at all."""
    mapping = {key: value for key, value in plain(file).items() if value not in ("", 0, [], {})}
    dump_yaml(mapping, path)
