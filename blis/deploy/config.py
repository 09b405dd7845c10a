"""An EndpointPickerConfig, read and checked: every key, every plugin's parameters, every name of a plugin.

As strict as the router's own loader (`serializer.EnableStrict`, `StrictDecoder`), and with more to say.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from blis.deploy.dialects import Dialect, dialect_of
from blis.deploy.document import Document
from blis.deploy.schema import Reference, check, schema
from blis.errors import in_short, unknown_name

GATES = ("flowControl", "haPopulateNonLeaderDatastore", "dataLayer", "prepareDataPlugins", "enableLegacyMetrics")


@dataclass(frozen=True)
class Plugin:
    """A plugin of a file, or one that is there without being declared (then `path` is empty)."""

    name: str
    type: str
    path: str = ""
    given: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """What it does: scorer, filter, picker and so on."""
        return str(schema("plugins")[self.type]["kind"])

    @property
    def nearest(self) -> str | None:
        """The type that comes closest among those that can be simulated, if this one cannot."""
        return schema("plugins")[self.type].get("nearest")

    @property
    def replaces(self) -> bool:
        """Whether it stands in for what is there without being declared."""
        return bool(schema("plugins")[self.type].get("injected")) and self.name == self.type

    @property
    def known(self) -> Mapping[str, list[Any]]:
        """Its parameters as plugins.yaml has them; none if they are not looked at."""
        return parameters_of(self.type, old=True) or {}

    def value(self, name: str) -> Any:
        """A parameter, or its default."""
        return self.given[name] if name in self.given else self.known[name][1]


@dataclass(frozen=True)
class Step:
    """A plugin in a scheduling profile."""

    plugin: Plugin
    weight: float | None
    path: str


@dataclass(frozen=True)
class Config:
    """A checked file. plugins: by name, those included that are there without being declared; named: by other parts."""

    document: Document
    dialect: Dialect
    plugins: Mapping[str, Plugin]
    profiles: Mapping[str, tuple[Step, ...]]
    named: frozenset[str]

    @property
    def steps(self) -> tuple[Step, ...]:
        """Those of the first profile, which is the only one of a file that can be simulated."""
        return next(iter(self.profiles.values()))

    @property
    def declared(self) -> list[Plugin]:
        """The plugins that the file declares."""
        return [plugin for plugin in self.plugins.values() if plugin.path]

    @property
    def value(self) -> Mapping[str, Any]:
        """The file's mapping."""
        return self.document.value

    def part(self, name: str) -> Mapping[str, Any]:
        """A mapping at the top of the file; empty if it is not there."""
        return self.value.get(name) or {}

    def gate(self, name: str) -> bool:
        """Whether a feature gate is on: `name` or `name=true`."""
        return any(gate in (name, f"{name}=true") for gate in self.value.get("featureGates") or ())


def parameters_of(plugin_type: str, *, old: bool) -> Mapping[str, list[Any]] | None:
    """A plugin's parameters by name; None if they are not looked at. old: also those of the older apiVersion."""
    entry = schema("plugins")[plugin_type]
    parameters = entry.get("parameters", {})
    if parameters == "any":
        return None
    return {**parameters, **(entry.get("old", {}) if old else {})}


def read_config(document: Document) -> Config:
    """A checked configuration. Raises InputError for the first thing that the router would refuse."""
    dialect = dialect_of(document)
    references = list(check(document, "", document.value, schema("config")))
    plugins, more = _plugins(document, dialect)
    for reference in (*references, *more):
        _check_reference(document, plugins, reference)
    _check_gates(document)
    profiles = _profiles(document, plugins)
    used = {step.plugin.name for steps in profiles.values() for step in steps}
    named = frozenset(used.union(reference.name for reference in (*references, *more)))
    config = Config(document, dialect, plugins, profiles, named)
    _check_handlers(config)
    return config


def _plugins(document: Document, dialect: Dialect) -> tuple[dict[str, Plugin], list[Reference]]:
    """The plugins by name, and the names of others in their parameters."""
    found: dict[str, Plugin] = {}
    references: list[Reference] = []
    for number, spec in enumerate(document.value["plugins"]):
        path, kind = f"plugins[{number}]", spec["type"]
        if kind not in schema("plugins"):
            raise document.wrong(f"{path}.type", _unknown_type(kind))
        name, given = spec.get("name") or kind, spec.get("parameters") or {}
        if name in found:
            raise document.wrong(path, f"two plugins are called {name!r}, the first is {found[name].path}")
        known = parameters_of(kind, old=dialect.old)
        if known is not None:
            types = {key: parameter[0] for key, parameter in known.items()}
            references += check(document, f"{path}.parameters", given, types)
        found[name] = Plugin(name, kind, path, given)
    for kind, entry in schema("plugins").items():
        if entry.get("injected"):
            found.setdefault(kind, Plugin(kind, kind))
    return found, references


def _unknown_type(kind: str) -> str:
    """The problem with a type that nobody has; all names would be too many."""
    near = difflib.get_close_matches(kind, schema("plugins"), n=5, cutoff=0)
    count = len(schema("plugins"))
    return f"unknown plugin type {in_short(kind)}; of the {count} known, the nearest are {', '.join(near)}"


def _check_reference(document: Document, plugins: Mapping[str, Plugin], reference: Reference) -> None:
    """A name must be that of a plugin that is there, and of one of the kinds that belong where it stands."""
    path, name, kinds = reference
    if name not in plugins:
        raise document.wrong(path, str(unknown_name("plugin", name, [p.name for p in plugins.values() if p.path])))
    if plugins[name].kind not in kinds:
        fitting = sorted(plugin.name for plugin in plugins.values() if plugin.kind in kinds)
        raise document.wrong(
            path,
            f"{name!r} is a plugin of kind {plugins[name].kind}, {' or '.join(kinds)} is wanted:"
            f" {', '.join(fitting) or 'none is declared'}",
        )


def _check_gates(document: Document) -> None:
    for number, gate in enumerate(document.value.get("featureGates") or ()):
        name, equals, state = gate.partition("=")
        if name not in GATES or (equals and state not in ("true", "false")):
            raise document.wrong(f"featureGates[{number}]", str(unknown_name("feature gate", gate, GATES)))


def _profiles(document: Document, plugins: Mapping[str, Plugin]) -> dict[str, tuple[Step, ...]]:
    """The steps of every profile by its name; a file without profiles has one of all filters, scorers and pickers."""
    profiles = document.value.get("schedulingProfiles") or []
    _check_once(document, "schedulingProfiles", [profile["name"] for profile in profiles])
    if not profiles:
        kinds = ("filter", "scorer", "picker")
        return {"default": tuple(Step(p, None, p.path) for p in plugins.values() if p.path and p.kind in kinds)}
    return {
        profile["name"]: _steps(
            document, f"schedulingProfiles[{number}].plugins", profile.get("plugins") or [], plugins
        )
        for number, profile in enumerate(profiles)
    }


def _steps(
    document: Document, path: str, given: list[dict[str, Any]], plugins: Mapping[str, Plugin]
) -> tuple[Step, ...]:
    _check_once(document, path, [step["pluginRef"] for step in given])
    steps = [Step(plugins[one["pluginRef"]], one.get("weight"), f"{path}[{i}]") for i, one in enumerate(given)]
    for step in steps:
        if step.weight is not None and step.plugin.kind != "scorer":
            problem = f"{step.plugin.name!r} is a plugin of kind {step.plugin.kind}; only scorers have weights"
            raise document.wrong(f"{step.path}.weight", problem)
    pickers = [step for step in steps if step.plugin.kind == "picker"]
    if len(pickers) > 1:
        raise document.wrong(pickers[1].path, "a profile has one picker, this is the second")
    return tuple(steps)


def _check_handlers(config: Config) -> None:
    """There is one profile handler, and the usual one handles one profile."""
    handlers = [plugin for plugin in config.declared if plugin.kind == "handler"]
    if len(handlers) > 1:
        raise config.document.wrong(handlers[1].path, f"a second profile handler beside {handlers[0].name!r}")
    if len(config.profiles) > 1 and (not handlers or handlers[0].type == "single-profile-handler"):
        names = ", ".join(config.profiles)
        raise config.document.wrong("schedulingProfiles", f"single-profile-handler has one profile, not {names}")


def _check_once(document: Document, path: str, names: Iterable[str]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise document.wrong(path, f"{name!r} is there twice")
