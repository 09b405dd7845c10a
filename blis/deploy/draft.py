"""An EndpointPickerConfig under construction."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from blis.deploy.config import parameters_of
from blis.deploy.dialects import Dialect
from blis.deploy.notes import Notes


@dataclass
class Draft:
    """Plugins by name and the steps of the profile, in the order in which they were added; what else the file has."""

    dialect: Dialect
    notes: Notes
    plugins: dict[str, dict[str, Any]] = field(default_factory=dict)
    steps: list[dict[str, Any]] = field(default_factory=list)
    parts: dict[str, Any] = field(default_factory=dict)

    def plugin(self, kind: str, parameters: dict[str, Any] | None = None, name: str = "") -> str:
        """Declare a plugin, once; its name."""
        spec: dict[str, Any] = {"type": kind} if name in ("", kind) else {"name": name, "type": kind}
        self.plugins.setdefault(name or kind, spec | ({"parameters": parameters} if parameters else {}))
        return name or kind

    def step(
        self, kind: str, parameters: dict[str, Any] | None = None, *, weight: int | None = None, name: str = ""
    ) -> None:
        """Declare a plugin and put it into the profile."""
        step: dict[str, Any] = {"pluginRef": self.plugin(kind, parameters, name)}
        self.steps.append(step if weight is None else {**step, "weight": weight})

    def number(self, kind: str, parameter: str, value: float) -> int | float:
        """A number as a plugin takes it: rounded, and that said, where it must be whole."""
        whole = (parameters_of(kind, old=True) or {})[parameter][0] == "whole"
        if whole and value != int(value):
            rounded = round(value) or 1
            self.notes.add(f"{kind}.{parameter}: {value:g} is rounded to {rounded}, the router takes whole numbers")
            return rounded
        return int(value) if value == int(value) else value

    def mapping(self) -> dict[str, Any]:
        """The file's mapping."""
        plugins = [*self.plugins.values(), {"type": "single-profile-handler"}]
        profile = {"name": "default", "plugins": self.steps}
        gates = {"featureGates": ["flowControl"]} if self.parts.pop("gate", False) else {}
        head = {"apiVersion": self.dialect.apis[0], "kind": "EndpointPickerConfig", **gates}
        return {**head, "plugins": plugins, "schedulingProfiles": [profile], **self.parts}
