"""Search spaces: which keys of a policy bundle are searched, over what ranges, and when each of them matters.

A genome is a plain dict from space key to value that holds exactly the active keys. Space keys are the
paths of the bundle's own keys, but for three kinds: `routing.scorers.<name>` is the weight of a scorer, 0 =
not used, and `routing.scorers.<name>.<parameter>` a parameter of it (both also below `disaggregation.prefill`);
`routing.filters.<name>.use` and `flow_control.use` say skip or apply. Source of the default space:
default-problem.md section 1.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from blis.config import (
    BANDS,
    DECIDERS,
    DETECTORS,
    FAIRNESS,
    ORDERINGS,
    PICKERS,
    PREEMPTIONS,
    TIE_BREAKS,
    Autoscaling,
    Breaker,
    FlowControl,
    Hedging,
    Retries,
)
from blis.errors import InputError, check_choice, unknown_name
from blis.yaml_strict import build, check_mapping
from search.space.parameters import Category, Leaf, Parameter, Value, is_free, make_parameter
from search.space.templates import APPLY, SKIP, TEMPLATES, expand, known_parameters, weight_of, weights_by_list

Genome = dict[str, Value]

FLOW_CONTROL = "flow_control.use"

_FLOW_CHOICES = {"detector": DETECTORS, "ordering": ORDERINGS, "fairness": FAIRNESS, "bands": BANDS}

#: What a space key may name beside templates; a tuple lists its valid values.
_OTHER_KEYS: dict[str, Sequence[Any] | None] = {
    FLOW_CONTROL: (SKIP, APPLY),
    **{
        f"flow_control.{name}": _FLOW_CHOICES.get(name)
        for name in FlowControl.__dataclass_fields__
        if name not in ("enabled", "priority_bands")
    },
    **dict.fromkeys(f"autoscaling.{name}" for name in Autoscaling.__dataclass_fields__),
    **dict.fromkeys(f"retries.{name}" for name in Retries.__dataclass_fields__),
    **dict.fromkeys(f"breaker.{name}" for name in Breaker.__dataclass_fields__),
    **dict.fromkeys(f"hedging.{name}" for name in Hedging.__dataclass_fields__),
    "disaggregation.decider": DECIDERS,
    "disaggregation.uncached_tokens": None,
    "disaggregation.prefill_instances": None,
    "routing.picker": PICKERS,
    "routing.tie_break": TIE_BREAKS,
    "preemption": PREEMPTIONS,
    "engine.max_running": None,
    "engine.max_scheduled_tokens": None,
    "engine.long_prefill_threshold": None,
    "engine.speculative_tokens": None,
}

#: Keys of an SLO tier, `slo_tiers.<class>.<key>`: the classes are the workload's.
TIER_KEYS = ("priority", "weight")

#: Rates of the workload that a `relative_to` may name.
RATES = ("offered_tokens_per_s",)


def known_keys() -> dict[str, Sequence[Any] | None]:
    """What a space key may name, but for the tiers of classes: its valid values, None for a number."""
    return {**known_parameters(), **_OTHER_KEYS}


@dataclass(frozen=True)
class Space:
    """A typed, conditional space; the order of `parameters` is the order of columns in files."""

    parameters: Mapping[str, Parameter]
    conditions: Mapping[str, Mapping[str, Sequence[Value]]] = field(default_factory=dict)  # key -> one of these
    relative: Mapping[str, str] = field(default_factory=dict)  # key -> rate that scales its value
    fixed: Mapping[str, Any] = field(default_factory=dict)  # part of a bundle that every candidate has

    def __iter__(self) -> Iterator[str]:
        """The keys in order."""
        return iter(self.parameters)

    def is_active(self, key: str, values: Mapping[str, Value]) -> bool:
        """Whether `key` matters, given the values of the keys before it; what a scorer of weight 0 has does not."""
        weight = weight_of(key)
        if weight is not None and not values.get(weight):
            return False
        return all(values.get(other) in wanted for other, wanted in self.conditions.get(key, {}).items())

    def complete(self, values: Mapping[str, Value], rng: Random) -> Genome:
        """`values` without its inactive keys and with every active key that was missing drawn anew."""
        genome: Genome = {}
        for key, parameter in self.parameters.items():
            if self.is_active(key, genome):
                genome[key] = values[key] if key in values else parameter.sample(rng)
        return genome

    def sample(self, rng: Random) -> Genome:
        """A valid genome drawn from the whole space."""
        while True:  # ends: a space whose every genome is invalid cannot be built
            genome = self.complete({}, rng)
            if self.flaw(genome) is None:
                return genome

    def flaw(self, genome: Mapping[str, Value]) -> str | None:
        """Why a genome of the right keys is no policy at all, None if it is one."""
        lists = weights_by_list(genome).values()
        return "all scorer weights are zero" if any(not any(weights) for weights in lists) else None

    def corners(self) -> Iterator[Genome]:
        """Genomes that reach every extreme of every parameter, each with the keys it needs."""
        rng = Random(0)
        top = {key: parameter.extremes()[-1] for key, parameter in self.parameters.items()}
        for key, parameter in self.parameters.items():
            for value in parameter.extremes():
                yield self.complete({**top, **self._needed(key), key: value}, rng)

    def _needed(self, key: str) -> dict[str, Value]:
        """The values of other keys that make `key` active."""
        weight = weight_of(key)
        needed = {} if weight is None else self._needed(weight)
        for other, wanted in self.conditions.get(key, {}).items():
            needed.update(self._needed(other))
            needed[other] = wanted[0]
        return needed


def genome_key(genome: Mapping[str, Value]) -> str:
    """One text per genome, equal exactly for equal genomes."""
    return json.dumps(genome, sort_keys=True)


def space_from_mapping(mapping: object) -> Space:
    """A Space from conf/search_space/: nested bundle keys down to leaves with a `type`; `fixed` beside them.

    Raises InputError with the full key for anything unknown or without sense.
    """
    values = check_mapping(mapping, "search_space")
    fixed = check_mapping(values.pop("fixed", {}), "search_space.fixed")
    leaves = dict(_leaves(values, ""))
    parameters = {key: make_parameter(f"search_space.{key}", leaf) for key, leaf in leaves.items()}
    for place, (key, parameter) in enumerate(parameters.items()):
        _check_key(key, parameter)
        if weight_of(key) is not None and weight_of(key) not in list(parameters)[:place]:
            raise InputError(f"search_space.{key}: the scorer's weight {weight_of(key)} must be declared before it")
    if not any(is_free(parameter) for parameter in parameters.values()):
        raise InputError("search_space has no free dimension: give it at least one parameter with two or more values")
    space = Space(
        parameters,
        {key: _condition(key, leaf.when, parameters) for key, leaf in leaves.items() if leaf.when},
        {key: _rate(key, leaf.relative_to) for key, leaf in leaves.items() if leaf.relative_to is not None},
        fixed,
    )
    for prefix, weights in weights_by_list(parameters).items():
        if not any(any(weight.extremes()) for weight in weights):
            raise InputError(f"search_space.{prefix[:-1]}: every weight is fixed at zero")
    return space


def _leaves(mapping: Mapping[str, object], path: str) -> Iterator[tuple[str, Leaf]]:
    """Every leaf below a mapping with its dotted key."""
    for name, value in mapping.items():
        key = f"{path}.{name}" if path else name
        inner = check_mapping(value, f"search_space.{key}")
        if "type" in inner and not isinstance(inner["type"], Mapping):
            leaf = build(Leaf, inner, f"search_space.{key}")
            if leaf.type == TEMPLATES:
                yield from expand(key, leaf)
            else:
                yield key, leaf
        elif inner:
            if not any(known == key or known.startswith(f"{key}.") for known in known_keys()) and not _is_tier(key):
                raise unknown_name("search space key", key, known_keys())
            if not any(isinstance(item, Mapping) for item in inner.values()):
                raise InputError(f"search_space.{key}: missing key type")
            yield from _leaves(inner, key)


def _check_key(key: str, parameter: Parameter) -> None:
    """Raise InputError unless the key is known and, for a template, every choice is."""
    if key not in known_keys() and not _is_tier(key):
        raise unknown_name("search space key", key, known_keys())
    valid = known_keys().get(key)
    if valid is None:
        return
    if not isinstance(parameter, Category):
        raise InputError(f"search_space.{key} must be categorical")
    for choice in parameter.choices:
        check_choice(f"choice of search_space.{key}", str(choice), valid)


def _is_tier(key: str) -> bool:
    """Whether a key is, or leads to, a number of an SLO tier."""
    parts = key.split(".")
    return parts[0] == "slo_tiers" and len(parts) <= 3 and (len(parts) < 3 or parts[2] in TIER_KEYS)


def _condition(key: str, when: Mapping[str, Any], parameters: Mapping[str, Parameter]) -> dict[str, tuple[Value, ...]]:
    """A checked `when`: categorical keys declared before `key`, each with one or some of the values it can take."""
    before = list(parameters)[: list(parameters).index(key)]
    conditions: dict[str, tuple[Value, ...]] = {}
    for other, given in when.items():
        parameter = parameters.get(other)
        if other not in before or not isinstance(parameter, Category):
            raise InputError(f"search_space.{key}.when: {other!r} must be a categorical parameter declared before it")
        conditions[other] = tuple(given) if isinstance(given, list | tuple) else (given,)
        for wanted in conditions[other] or ("nothing",):
            if wanted not in parameter.choices:
                raise unknown_name(f"value of {other} in search_space.{key}.when", wanted, map(str, parameter.choices))
    return conditions


def _rate(key: str, name: str) -> str:
    """A checked `relative_to`."""
    check_choice(f"relative_to of search_space.{key}", name, RATES)
    return name
