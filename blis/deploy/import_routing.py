"""Where requests go: filters, scorers and picker of a scheduling profile as a bundle's `routing`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from blis.config import MAX_WEIGHT
from blis.deploy.config import Config, Plugin, Step
from blis.deploy.counterparts import (
    APPROXIMATE,
    DETECTOR,
    FILTERS,
    IN_FLIGHT,
    LOAD_FILTER,
    NEVER_FULL,
    PICKERS,
    PRECISE,
    SCORERS,
    Counterpart,
)
from blis.deploy.notes import Notes
from blis.errors import InputError
from blis.policies.filters import FILTERS as OUR_FILTERS
from blis.policies.registry import Registry
from blis.policies.scorers import SCORERS as OUR_SCORERS

#: Who tells a plugin what it wants to know, if its parameter does not say.
_DEFAULT_PRODUCERS = {"prefixMatchInfoProducerName": APPROXIMATE, "inFlightLoadProducerName": IN_FLIGHT}


def read_routing(config: Config, notes: Notes) -> dict[str, Any]:
    """The bundle's `routing`. Raises InputError for what cannot be simulated, with the nearest that can."""
    _check_profile(config)
    asked = [_filter(config, step, notes) for step in config.steps if step.plugin.kind in ("filter", "detector")]
    filters = [one for one in asked if one]
    _check_once(config, "filters", [one["name"] for one in filters], "the stricter one")
    weighed = [_scorer(config, step, notes) for step in config.steps if step.plugin.kind == "scorer"]
    scorers = [one for one in weighed if one["weight"]]
    _check_once(config, "scorers", [one["name"] for one in scorers], "one with the sum of their weights")
    picker = usual_picker(config)
    if picker.value("maxNumOfEndpoints") != 1:
        notes.add(f"{picker.name}.maxNumOfEndpoints: the first of the endpoints gets the request")
    routing: dict[str, Any] = {"filters": filters, "tie_break": "random"}
    if not scorers or picker.type == "random-picker":
        if scorers:
            notes.add("random-picker does not look at scores: the scorers are left out")
        return {"policy": "random", **routing}
    names = {theirs: ours for ours, theirs in PICKERS.items()}
    return {"policy": "weighted", "scorers": scorers, "picker": names[picker.type], **routing}


def _check_profile(config: Config) -> None:
    """Refuse what needs several profiles: prefill and decode apart, ranks of one engine, headers that choose."""
    if len(config.profiles) > 1:
        problem = f"several profiles ({', '.join(config.profiles)}) cannot be simulated; the nearest is one profile"
        raise config.document.wrong("schedulingProfiles", problem)
    for plugin in config.declared:
        if plugin.kind == "handler" and plugin.nearest:
            raise refused(config, plugin)


def usual_picker(config: Config) -> Plugin:
    """The profile's picker; if it has none any that is declared, as the router's loader does it, else the usual one."""
    chosen = [step.plugin for step in config.steps if step.plugin.kind == "picker"]
    declared = [plugin for plugin in config.declared if plugin.kind == "picker"]
    if not chosen and len(declared) > 1:
        names = ", ".join(plugin.name for plugin in declared)
        raise config.document.wrong("schedulingProfiles", f"the profile must name one of the pickers {names}")
    return (chosen or declared or [config.plugins[PICKERS["max"]]])[0]


def refused(config: Config, plugin: Plugin) -> InputError:
    """The error for a plugin that cannot be simulated."""
    problem = f"{plugin.type} cannot be simulated"
    if plugin.nearest:
        problem += f"; the nearest that can is {plugin.nearest}"
    return config.document.wrong(plugin.path, problem)


def _parameters(
    config: Config, plugin: Plugin, counterpart: Counterpart, registry: Registry, notes: Notes
) -> dict[str, float]:
    """Our parameters from a plugin's with its defaults, those left out that are our defaults, too."""
    check_given(config, plugin, notes, mapped=tuple(counterpart.parameters.values()))
    values: dict[str, float] = {}
    for ours, theirs in counterpart.parameters.items():
        value = float(plugin.value(theirs))
        values[ours] = counterpart.off[ours] if ours in counterpart.off and not value else value
    if counterpart.note:
        notes.add(f"{plugin.type}: {counterpart.note}")
    return beyond_defaults(config, plugin.path, registry, counterpart.ours, values)


def beyond_defaults(
    config: Config, path: str, registry: Registry, name: str, values: Mapping[str, float]
) -> dict[str, float]:
    """Those parameters of a template of ours that are not at its defaults. path: where they come from.

    Raises InputError for what the template does not take.
    """
    try:
        registry.named_values(name, values)
    except InputError as error:
        raise config.document.wrong(path, str(error)) from None
    return {key: value for key, value in values.items() if value != registry[name].bounds[key].default}


def check_given(config: Config, plugin: Plugin, notes: Notes, mapped: tuple[str, ...] = ()) -> None:
    """Refuse parameters that can only be simulated at their default, and say which others change nothing here."""
    for key, value in plugin.given.items():
        kind, default, rest = [*plugin.known.get(key, ["any"]), None, None][:3]
        if key in mapped or kind.startswith("ref "):
            continue
        if rest == "fixed":
            if value != default:
                problem = f"only {default!r} can be simulated, got {value!r}"
                raise config.document.wrong(f"{plugin.path}.parameters.{key}", problem)
        elif rest:
            notes.add(f"{plugin.name}.{key} {value}: set {rest} in the scenario, a bundle does not have it")
        else:
            notes.add(f"{plugin.name}.{key}: changes nothing here")


def _filter(config: Config, step: Step, notes: Notes) -> dict[str, Any] | None:
    """A filter; None for one that keeps every instance of a pool without roles."""
    plugin = step.plugin
    if plugin.type == "decode-filter":
        notes.add(f"{plugin.name}: keeps all instances, a pool here has no prefill instances")
        return None
    if plugin.type == DETECTOR:
        return _load_filter(config, plugin, notes)
    for counterpart in FILTERS:
        if counterpart.theirs == plugin.type:
            _check_producers(config, plugin, notes)
            return {
                "name": counterpart.ours,
                "parameters": _parameters(config, plugin, counterpart, OUR_FILTERS, notes),
            }
    raise refused(config, plugin)


def _load_filter(config: Config, plugin: Plugin, notes: Notes) -> dict[str, Any]:
    """Their detector as a filter: fewer waiting requests than its threshold, and a KV cache that is never too full."""
    check_given(config, plugin, notes, mapped=("queueDepthThreshold", "kvCacheUtilThreshold", "headroom"))
    room = 1 + plugin.value("headroom")
    if plugin.value("kvCacheUtilThreshold") * room < NEVER_FULL:
        problem = f"{plugin.name} as a filter looks at KV caches; the nearest filter looks at waiting requests only"
        raise config.document.wrong(plugin.path, f"{problem}: kvCacheUtilThreshold {NEVER_FULL:g}")
    limit = plugin.value("queueDepthThreshold") * room
    values = {"max_waiting": float(-int(-limit // 1) - 1)}
    return {"name": LOAD_FILTER, "parameters": beyond_defaults(config, plugin.path, OUR_FILTERS, LOAD_FILTER, values)}


def _scorer(config: Config, step: Step, notes: Notes) -> dict[str, Any]:
    plugin, weight = step.plugin, 1.0 if step.weight is None else float(step.weight)
    if not 0 <= weight <= MAX_WEIGHT:
        raise config.document.wrong(f"{step.path}.weight", f"must be in [0, {MAX_WEIGHT:g}], got {weight:g}")
    if weight != int(weight) and config.dialect.old:
        notes.add(f"{plugin.name}: weight {weight:g}; {config.dialect.product} and older read whole numbers only")
    precise = _check_producers(config, plugin, notes)
    for counterpart in SCORERS:
        if counterpart.theirs != plugin.type or (counterpart.producer == PRECISE) != precise:
            continue
        name = counterpart.ours
        if plugin.type == "precise-prefix-cache-scorer":
            name = _precise(config, plugin, notes)
        return {
            "name": name,
            "weight": weight,
            "parameters": _parameters(config, plugin, counterpart, OUR_SCORERS, notes),
        }
    raise refused(config, plugin)


def _precise(config: Config, plugin: Plugin, notes: Notes) -> str:
    """What the scorer of this name is: it changed when the configuration got its new apiVersion."""
    if not config.dialect.old:
        return "precise-prefix-cache"
    notes.add(f"{plugin.name}: min-max over instances, as up to April 2026; since May it is precise-prefix-cache")
    return "precise-prefix-cache-2026-04"


def _check_producers(config: Config, plugin: Plugin, notes: Notes) -> bool:
    """Look at all producers that a plugin reads from; whether its score is of prefixes in the engines' own caches."""
    precise = False
    for key, parameter in plugin.known.items():
        if parameter[0] != "ref producer":
            continue
        producer = config.plugins[plugin.given.get(key) or _DEFAULT_PRODUCERS.get(key, IN_FLIGHT)]
        if producer.nearest:
            raise refused(config, producer)
        if producer.path:
            check_given(config, producer, notes)
        if producer.type == PRECISE and key == "prefixMatchInfoProducerName":
            precise = plugin.type == "prefix-cache-scorer"
            if not precise:
                notes.add(f"{plugin.name}: looks at the router's own index here, not at the engines' caches")
    return precise


def _check_once(config: Config, what: str, names: list[str], nearest: str) -> None:
    """A bundle has each scorer and each filter once."""
    for name in names:
        if names.count(name) > 1:
            problem = f"two {what} are {name} here; the nearest is {nearest}"
            raise config.document.wrong("schedulingProfiles", problem)
