"""The original's `defaults.yaml`: coefficients by deployment and workloads by name, from a file of the user's.

Only the keys that matter are read; others are left aside, as the original does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from blis.errors import InputError, unknown_name
from blis.latency.catalog import gpu_key
from blis.latency.table import Coefficients, Deployment
from blis.original.presets import Preset
from blis.yaml_strict import build, check_mapping, load_mapping, named_source

_DEPLOYMENT_KEYS = {"GPU": "gpu", "tensor_parallelism": "tp", "vllm_version": "vllm"}
_COEFFICIENT_KEYS = {
    "id": "model",
    **_DEPLOYMENT_KEYS,
    "total_kv_blocks": "kv_blocks",
    "alpha_coeffs": "alpha",
    "beta_coeffs": "beta",
}


@dataclass(frozen=True)
class DefaultsFile:
    """What such a file holds."""

    path: str
    deployments: tuple[Deployment, ...]
    entries: tuple[Coefficients, ...]
    presets: Mapping[str, Preset]

    def find(self, model: str, gpu: str, tp: int, vllm: str) -> tuple[Coefficients, bool]:
        """The first entry of a deployment, and whether a later one says something else.

        What is empty or 0 is filled from the file's `defaults`. Raises InputError that lists what there is.
        """
        usual = next((each for each in self.deployments if each.model.lower() == model.lower()), None)
        if usual is not None:
            gpu, tp, vllm = gpu or usual.gpu, tp or usual.tp, vllm or usual.vllm
        entries = [entry for entry in self.entries if entry.model.lower() == model.lower()]
        if not entries:
            raise InputError(f"{self.path}: {unknown_name('model', model, {entry.model for entry in self.entries})}")
        wanted = (gpu_key(gpu), tp, short_version(vllm))
        found = [e for e in entries if (gpu_key(e.gpu), e.tp, short_version(e.vllm)) == wanted]
        if not found:
            asked = f"gpu {gpu or 'not given'}, tp {tp or 'not given'}, vllm {short_version(vllm) or 'not given'}"
            there = "; ".join(f"gpu {e.gpu}, tp {e.tp}, vllm {short_version(e.vllm)}" for e in entries)
            raise InputError(f"{self.path}: no coefficients for model {model!r} with {asked}; there are: {there}")
        return found[0], any((e.alpha, e.beta, e.kv_blocks) != _numbers(found[0]) for e in found)


def load_defaults(path: str | Path) -> DefaultsFile:
    """Read a file. Raises InputError naming file and key for what is missing or of a wrong type."""
    with named_source(path):
        document = load_mapping(path)
        models = document.get("models") or []
        if not isinstance(models, list):
            raise InputError("models must be a list")
        deployments = check_mapping(document.get("defaults") or {}, "defaults")
        workloads = check_mapping(document.get("workloads") or {}, "workloads")
        keys = {field.name: field.name for field in fields(Preset)}
        return DefaultsFile(
            str(path),
            tuple(_deployment(model, entry) for model, entry in deployments.items()),
            tuple(
                build(Coefficients, _chosen(entry, _COEFFICIENT_KEYS, f"models[{i}]"), f"models[{i}]")
                for i, entry in enumerate(models)
            ),
            {
                name: build(Preset, _chosen(entry, keys, f"workloads.{name}", required=False), f"workloads.{name}")
                for name, entry in workloads.items()
            },
        )


def _deployment(model: str, entry: object) -> Deployment:
    path = f"defaults.{model}"
    return build(Deployment, {"model": model, **_chosen(entry, _DEPLOYMENT_KEYS, path)}, path)


def short_version(vllm: str) -> str:
    """`v0.8.4` of `vllm/vllm-openai:v0.8.4`."""
    return vllm.rpartition(":")[2]


def _numbers(entry: Coefficients) -> tuple[object, ...]:
    return entry.alpha, entry.beta, entry.kv_blocks


def _chosen(entry: object, keys: Mapping[str, str], path: str, required: bool = True) -> dict[str, Any]:
    """The values of the keys that matter, by the names they have here."""
    found = check_mapping(entry, path)
    for key in keys:
        if required and key not in found:
            raise InputError(f"missing key {path}.{key}")
    return {name: found[key] for key, name in keys.items() if key in found}
