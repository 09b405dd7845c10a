"""`type: templates`: a leaf of a search space that stands for every deployable template of one kind.

It becomes a choice of template, and every parameter of each template with the range that its registry declares,
active while that template is chosen. A template is in `search_space=full_policy` the day it is registered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from blis.errors import InputError, check_choice
from blis.policies.admission import ADMISSION
from blis.policies.filters import FILTERS
from blis.policies.legacy_bucket import BUNDLE_KEYS
from blis.policies.priority import PRIORITIES
from blis.policies.registry import Bounds, Registry
from blis.policies.routing import ROUTING
from blis.policies.schedulers import SCHEDULERS
from blis.policies.scorers import SCORERS
from search.space.parameters import Leaf

TEMPLATES = "templates"  # the type of such a leaf

FILTER_PREFIX = "routing.filters."
SCORER_PREFIX = "routing.scorers."
PREFILL_SCORER_PREFIX = "disaggregation.prefill.scorers."
SCORER_PREFIXES = (SCORER_PREFIX, PREFILL_SCORER_PREFIX)  # lists whose weights mean something to each other

#: Values of a key that says whether something is used at all: on and off are truth values in YAML.
SKIP, APPLY = "skip", "apply"

#: Weights are 0 or log-uniform in this range: an arg-max does not see their scale.
WEIGHTS = (0.01, 1.0)

#: Tables of which one template is chosen, and where its parameters are.
CHOICES: dict[str, tuple[Registry, str]] = {
    "admission.policy": (ADMISSION, "admission.parameters."),
    "routing.policy": (ROUTING, "routing.parameters."),
    "priority.policy": (PRIORITIES, "priority.parameters."),
    "scheduler": (SCHEDULERS, "scheduler_parameters."),
}

#: Parameters that bundle files have under older keys.
_RENAMED = {f"admission.parameters.{name}": f"admission.{key}" for key, name in BUNDLE_KEYS.items()}


def scorers_of(key: str) -> str | None:
    """The list of scorers that a space key belongs to, by its prefix; None for any other key."""
    return next((prefix for prefix in SCORER_PREFIXES if key.startswith(prefix)), None)


def is_weight(key: str) -> bool:
    """Whether a space key is a scorer's weight."""
    prefix = scorers_of(key)
    return prefix is not None and "." not in key.removeprefix(prefix)


def weight_of(key: str) -> str | None:
    """The weight of the scorer whose parameter a space key is, None for any other key."""
    return key.rpartition(".")[0] if scorers_of(key) and not is_weight(key) else None


def weights_by_list(values: Mapping[str, Any]) -> dict[str, list[Any]]:
    """What the weights have, by the list that they belong to; lists without any are left out."""
    found: dict[str, list[Any]] = {}
    for key, value in values.items():
        prefix = scorers_of(key)
        if prefix is not None and is_weight(key):
            found.setdefault(prefix, []).append(value)
    return found


def parameter_key(prefix: str, name: str) -> str:
    """The space key of a template's parameter."""
    return _RENAMED.get(prefix + name, prefix + name)


def expand(key: str, leaf: Leaf) -> Iterator[tuple[str, Leaf]]:
    """The leaves that a `templates` leaf stands for. Raises InputError where there are no templates."""
    if any(value is not None for value in (leaf.low, leaf.high, leaf.relative_to)) or leaf.log:
        raise InputError(f"search_space.{key}: a leaf of type 'templates' takes only choices and when")
    if key in CHOICES:
        yield from _one_of(key, *CHOICES[key], leaf)
    elif key + "." == FILTER_PREFIX:
        yield from _filters(leaf)
    elif key + "." in SCORER_PREFIXES:
        for name in _names(key, SCORERS, leaf):
            yield f"{key}.{name}", Leaf("zero_or", *WEIGHTS, when=leaf.when)
            for parameter, bounds in SCORERS[name].bounds.items():
                yield f"{key}.{name}.{parameter}", replace(_number(bounds), when=leaf.when)
    else:
        kinds = ", ".join(sorted([*CHOICES, FILTER_PREFIX[:-1], *(prefix[:-1] for prefix in SCORER_PREFIXES)]))
        raise InputError(f"search_space.{key}: type 'templates' is for: {kinds}")


def templates_of(prefix: str, names: Sequence[str]) -> Iterator[tuple[str, Leaf]]:
    """The leaves of these scorers or filters; none if there are none."""
    if names:
        yield from expand(prefix[:-1], Leaf(TEMPLATES, choices=tuple(names)))


def _names(key: str, registry: Registry, leaf: Leaf) -> list[str]:
    """The templates that are meant: those listed, else all that can be deployed."""
    for choice in leaf.choices or ():
        check_choice(f"choice of search_space.{key}", str(choice), registry)
    return [str(choice) for choice in leaf.choices or registry.deployable]


def _one_of(key: str, registry: Registry, prefix: str, leaf: Leaf) -> Iterator[tuple[str, Leaf]]:
    names = _names(key, registry, leaf)
    yield key, Leaf("categorical", choices=tuple(names), when=leaf.when)
    users: dict[str, list[str]] = {}
    for name in names:
        for parameter in registry[name].bounds:
            users.setdefault(parameter, []).append(name)
    for parameter, templates in users.items():
        ranges = {registry[name].bounds[parameter] for name in templates}
        if len(ranges) > 1:
            raise InputError(f"search_space.{key}: {parameter} has several ranges; list its templates apart")
        when = {**(leaf.when or {}), key: templates}
        yield parameter_key(prefix, parameter), replace(_number(ranges.pop()), when=when)


def _filters(leaf: Leaf) -> Iterator[tuple[str, Leaf]]:
    for name in _names(FILTER_PREFIX[:-1], FILTERS, leaf):
        use = f"{FILTER_PREFIX}{name}.use"
        yield use, Leaf("categorical", choices=(SKIP, APPLY), when=leaf.when)
        for parameter, bounds in FILTERS[name].bounds.items():
            yield f"{FILTER_PREFIX}{name}.{parameter}", replace(_number(bounds), when={**(leaf.when or {}), use: APPLY})


def _number(bounds: Bounds) -> Leaf:
    low, high = bounds.span or (bounds.low, bounds.high)
    return Leaf("float", low, high, bounds.log, relative_to=bounds.relative_to)


def known_parameters() -> dict[str, Sequence[Any] | None]:
    """Every key that belongs to a template: its valid values, None for a number."""
    keys: dict[str, Sequence[Any] | None] = {}
    for key, (registry, prefix) in CHOICES.items():
        keys[key] = tuple(registry)
        keys.update({parameter_key(prefix, name): None for _, each in registry.items() for name in each.bounds})
    for name, template in FILTERS.items():
        keys[f"{FILTER_PREFIX}{name}.use"] = (SKIP, APPLY)
        keys.update({f"{FILTER_PREFIX}{name}.{parameter}": None for parameter in template.bounds})
    for prefix in SCORER_PREFIXES:
        for name, template in SCORERS.items():
            keys[prefix + name] = None
            keys.update({f"{prefix}{name}.{parameter}": None for parameter in template.bounds})
    return keys
