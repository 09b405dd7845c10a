"""The problem that a bundle was proved on, as its provenance carries it: all that is needed to prove it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from blis.errors import InputError
from blis.policies.bundle import PolicyBundle, bundle_mapping, load_bundle
from blis.workload.read.traces import is_trace
from blis.yaml_strict import build, dump_yaml, named_source
from search.settings import Settings, make_settings

#: Parts of the configuration that decide what a policy scores.
PARTS = ("cluster", "workload", "fitness", "validation", "shifts")

#: What a search needs beside, and a proof does not.
_WITHOUT_EFFECT: Mapping[str, Any] = {
    "search_space": {"engine": {"long_prefill_threshold": {"type": "categorical", "choices": [0, 512]}}},
    "driver": {"name": "random", "budget": 2, "batch": 1, "options": {}},
    "parallel": {"n_jobs": -1, "backend": "threads"},
    "tracking": {"enabled": False, "uri": "", "experiment": ""},
}


@dataclass(frozen=True)
class ProvedOn:
    """seed: of the bootstrap. name, primary: the primary baseline's bundle. The others are parts of a configuration."""

    seed: int
    name: str
    primary: dict[str, Any]
    cluster: dict[str, Any]
    workload: dict[str, Any]
    fitness: dict[str, Any]
    validation: dict[str, Any]
    shifts: tuple[str, ...]


def proved_on(settings: Settings) -> dict[str, Any]:
    """What `settings_of` makes the same problem of, as plain data."""
    primary = bundle_mapping(replace(settings.problem.baseline, provenance={}))
    parts = {name: settings.config[name] for name in PARTS}
    if is_trace(parts["workload"]):  # by its content, which the digest of the scenario has; paths are of a machine
        parts["workload"] = {**parts["workload"], "path": ""}
    return {"seed": settings.seed, "name": settings.primary, "primary": primary, **parts}


def settings_of(bundle: PolicyBundle, trace: Path | None = None) -> Settings:
    """The settings with which a bundle was proved. trace: the file of the requests, if it was proved on one.

    Raises InputError if the bundle does not say them.
    """
    if "problem" not in bundle.provenance:
        raise InputError("provenance has no `problem`: this is not a policy that a search has exported")
    known = build(ProvedOn, bundle.provenance["problem"], "provenance.problem")
    workload = known.workload
    if is_trace(workload):
        if trace is None:
            raise InputError("it was proved on a trace: say where that lies with --trace FILE")
        workload = {**workload, "path": str(trace)}
    elif trace is not None:
        raise InputError(f"it was not proved on a trace, but on requests that are drawn: leave --trace {trace} out")
    with named_source("provenance.problem.primary"):
        load_bundle(known.primary)
    with TemporaryDirectory() as folder:
        primary = (
            Path(folder) / f"{Path(known.name).name or 'primary'}.yaml"
        )  # a name from elsewhere leads nowhere else
        dump_yaml(known.primary, primary)
        mapping = {
            **_WITHOUT_EFFECT,
            **{name: getattr(known, name) for name in PARTS},
            "workload": workload,
            "seed": known.seed,
            "baselines": [str(primary)],
            "primary": str(primary),
        }
        return make_settings(mapping, Path())
