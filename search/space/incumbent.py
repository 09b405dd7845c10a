"""`search_space.from` and `vary`: a space around a policy that is there already, in which only some of it may change.

What `vary` does not name is as the policy has it. What it names starts from the policy's values: every range reaches
them, so that the policy itself is a point of the space.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from blis.errors import InputError, unknown_name
from search.problem.policy import Policy
from search.space.codec import policy_values
from search.space.parameters import Category, Number, Parameter, Value, is_free, make_parameter
from search.space.space import Space, known_keys
from search.space.templates import (
    CHOICES,
    FILTER_PREFIX,
    SCORER_PREFIX,
    is_weight,
    scorers_of,
    templates_of,
    weights_by_list,
)

_LISTS = (SCORER_PREFIX, FILTER_PREFIX)


@dataclass(frozen=True)
class Fixed(Category):
    """The one value that an incumbent has; unlike a list of one choice it stands for no other value."""

    def nearest(self, value: object) -> Value | None:
        """The value itself, up to rounding."""
        own = self.choices[0]
        if isinstance(value, str) or isinstance(own, str) or not isinstance(value, int | float):
            return own if value == own else None
        return own if math.isclose(value, own, rel_tol=1e-9) else None


def space_from(space: Space, policy: Policy, vary: Sequence[str], rates: Mapping[str, float]) -> Space:
    """The part of a space that `vary` names, around a policy.

    A key of `vary` stands for all below it; `routing.scorers` and `routing.filters` for those that the policy has, one
    that it has not is named in full. Raises InputError for keys that are unknown or change nothing.
    """
    if not vary:
        raise InputError("vary is empty: name what may change, as in [routing.scorers]")
    values = _values(space, policy, rates)
    space = _with_own(space, values)
    known = space.parameters
    _check_named(vary, known)
    varied = [key for key in known if _is_varied(key, vary, values) and _holds(space, key, vary, values)]
    parameters = {
        key: _reaching(known[key], values.get(key)) if key in varied else Fixed((values[key],))
        for key in known
        if key in varied or _accompanies(key, varied, values)
    }
    if not any(is_free(parameter) for parameter in parameters.values()):
        raise InputError(f"vary: nothing of {', '.join(vary)} can change in the policy it starts from")
    return replace(
        space,
        parameters=parameters,
        conditions={key: _kept(when, parameters) for key, when in space.conditions.items() if key in parameters},
        relative={key: rate for key, rate in space.relative.items() if key in parameters},
    )


def _values(space: Space, policy: Policy, rates: Mapping[str, float]) -> dict[str, Any]:
    """What the policy decides by space key, as genomes have it: the largest weight is 1, numbers relative to rates."""
    values = policy_values(policy)
    top = {prefix: max(weights) for prefix, weights in weights_by_list(values).items()}
    for key, value in values.items():
        if is_weight(key):
            values[key] = value / top[scorers_of(key) or ""]
        elif key in space.relative and value is not None:
            values[key] = value / rates[space.relative[key]]
    return values


def _with_own(space: Space, values: Mapping[str, Any]) -> Space:
    """The space with those of the policy's scorers and filters that it does not name."""
    parameters, conditions = dict(space.parameters), dict(space.conditions)
    for prefix in _LISTS:
        named = {_name(key, prefix) for key in space.parameters if key.startswith(prefix)}
        for key, leaf in templates_of(prefix, [name for name in _chosen(prefix, values) if name not in named]):
            parameters[key] = make_parameter(f"search_space.{key}", leaf)
            conditions[key] = {other: (wanted,) for other, wanted in (leaf.when or {}).items()}
    ordered = {key: parameters[key] for key in sorted(parameters, key=lambda key: _place(key, values))}
    return replace(space, parameters=ordered, conditions=conditions)


def _place(key: str, values: Mapping[str, Any]) -> int:
    """The order of keys: lists last, in the policy's own order, in which filters are asked and scores added up."""
    for prefix in _LISTS:
        if key.startswith(prefix):
            chosen = _chosen(prefix, values)
            return 1 + (chosen.index(name) if (name := _name(key, prefix)) in chosen else len(chosen))
    return 0


def _chosen(prefix: str, values: Mapping[str, Any]) -> list[str]:
    """The scorers or filters that the policy has."""
    if prefix == FILTER_PREFIX:
        return [name for name, _ in values["routing.filters"]]
    return [key.removeprefix(prefix) for key in values if key.startswith(prefix) and is_weight(key)]


def _check_named(vary: Sequence[str], known: Mapping[str, Parameter]) -> None:
    """Every entry must be a key of the space, or lead to one."""
    for entry in vary:
        if not any(_is_below(key, entry) for key in known):
            valid = sorted({*known, *(key.rpartition(".")[0] for key in known if "." in key)})
            hint = "" if entry not in known_keys() else " (search_space does not name it)"
            raise InputError(f"{unknown_name('key in vary', entry, valid)}{hint}")


def _is_below(key: str, entry: str) -> bool:
    return key == entry or key.startswith(f"{entry}.")


def _is_varied(key: str, vary: Sequence[str], values: Mapping[str, Any]) -> bool:
    """Whether `vary` means a key: of a list only what the policy has, unless it is named itself."""
    for entry in vary:
        prefix = next((prefix for prefix in _LISTS if key.startswith(prefix)), None)
        whole = prefix is None or entry.startswith(prefix)
        if _is_below(key, entry) and (whole or _name(key, str(prefix)) in _chosen(str(prefix), values)):
            return True
    return False


def _name(key: str, prefix: str) -> str:
    """The scorer or filter that a key belongs to."""
    return key.removeprefix(prefix).partition(".")[0]


def _holds(space: Space, key: str, vary: Sequence[str], values: Mapping[str, Any]) -> bool:
    """Whether a key can matter: what it depends on varies too, or is so in the policy."""
    conditions = space.conditions.get(key, {}).items()
    return all(_is_varied(other, vary, values) or values.get(other) in wanted for other, wanted in conditions)


def _accompanies(key: str, varied: Sequence[str], values: Mapping[str, Any]) -> bool:
    """Whether a key that stays must be said again: lists are replaced whole, parameters stand beside their policy."""
    if values.get(key) is None:
        return False
    for prefix in _LISTS:
        if key.startswith(prefix):
            return any(other.startswith(prefix) for other in varied) and _name(key, prefix) in _chosen(prefix, values)
    return key in CHOICES and any(other.startswith(CHOICES[key][1]) for other in varied)


def _reaching(parameter: Parameter, value: Any) -> Parameter:
    """The parameter with a range, or choices, that reach the policy's value."""
    if value is None:
        return parameter
    if isinstance(parameter, Category):
        return parameter if value in parameter.choices else replace(parameter, choices=(*parameter.choices, value))
    assert isinstance(parameter, Number)
    if not value and (parameter.zero_probability or parameter.log):
        return parameter
    return replace(parameter, low=min(parameter.low, value), high=max(parameter.high, value))


def _kept(when: Mapping[str, Sequence[Value]], parameters: Mapping[str, Parameter]) -> dict[str, Sequence[Value]]:
    """The conditions on what is still a key; the others hold in the policy."""
    return {other: wanted for other, wanted in when.items() if other in parameters}
