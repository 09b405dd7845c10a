"""An EndpointPickerConfig as a policy bundle that says all a router's configuration says."""

from __future__ import annotations

from typing import Any

from blis.deploy.config import Config, read_config
from blis.deploy.document import Document
from blis.deploy.import_control import read_admission, read_flow_control
from blis.deploy.import_routing import read_routing, usual_picker
from blis.deploy.notes import Notes

#: Kinds of plugins that decide nothing that is simulated: how requests are read, where metrics come from.
_SILENT = ("parser", "source", "extractor", "eviction", "other", "decider")


def import_epp(document: Document, notes: Notes) -> dict[str, Any]:
    """The mapping of a bundle. Raises InputError for what is wrong and for what cannot be simulated."""
    config = read_config(document)
    routing = read_routing(config, notes)
    admission = read_admission(config, notes)
    flow_control = read_flow_control(config, notes)
    for plugin in config.declared:
        if plugin.kind in _SILENT:
            notes.add(f"{plugin.name}: decides nothing that is simulated")
    for name in _idle(config):
        notes.add(f"{name}: no part of the file uses it")
    return {"admission": admission, "flow_control": flow_control, "routing": routing}


def _idle(config: Config) -> list[str]:
    """Plugins that are declared, named nowhere, and none of those that hold without being named."""
    used = {*config.named, usual_picker(config).name}
    kinds = ("filter", "scorer", "picker", "detector", "fairness", "ordering", "usage-limit")
    return [
        p.name
        for p in config.declared
        if p.kind in kinds and p.name not in used and (p.kind == "picker" or not p.replaces)
    ]
