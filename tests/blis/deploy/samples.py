"""A small EndpointPickerConfig to change, and the published ones in tests/data/epp."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

from blis.deploy.document import Document, parse_document
from blis.deploy.helm import inner_config
from blis.deploy.import_epp import import_epp
from blis.deploy.notes import Notes
from blis.policies.bundle import PolicyBundle, load_bundle
from blis.yaml_strict import yaml_text
from tests.places import ROOT

PUBLISHED = ROOT / "tests" / "data" / "epp"

_SMALL: dict[str, Any] = {
    "apiVersion": "llm-d.ai/v1alpha1",
    "kind": "EndpointPickerConfig",
    "plugins": [{"type": "prefix-cache-scorer"}, {"type": "queue-scorer"}, {"type": "max-score-picker"}],
    "schedulingProfiles": [
        {
            "name": "default",
            "plugins": [
                {"pluginRef": "prefix-cache-scorer", "weight": 3},
                {"pluginRef": "queue-scorer", "weight": 2},
                {"pluginRef": "max-score-picker"},
            ],
        }
    ],
}


def small() -> dict[str, Any]:
    """A valid configuration, to be changed."""
    return deepcopy(_SMALL)


def with_plugins(*plugins: dict[str, Any], steps: tuple[dict[str, Any], ...] = (), **parts: Any) -> dict[str, Any]:
    """The small one with more plugins, more steps before its own, and more at its top."""
    mapping = small()
    mapping["plugins"] += plugins
    profile = mapping["schedulingProfiles"][0]
    profile["plugins"] = [*steps, *profile["plugins"]]
    return mapping | parts


def document(mapping: dict[str, Any]) -> Document:
    """A mapping as the file it would be."""
    return parse_document(yaml_text(mapping), "epp.yaml")


def imported(source: dict[str, Any] | Path) -> tuple[PolicyBundle, Notes]:
    """The bundle and the remarks that come of a mapping or a file."""
    notes = Notes()
    one = document(source) if isinstance(source, dict) else parse_document(source.read_text(), source.name)
    return load_bundle(import_epp(inner_config(one), notes)), notes
