"""The fitness that a configuration asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from blis.errors import check_choice
from blis.fitness.original import OriginalFitness
from blis.fitness.relative import RelativeFitness
from blis.yaml_strict import build, check_keys, check_mapping


def make_fitness(mapping: Mapping[str, Any]) -> RelativeFitness | OriginalFitness:
    """The fitness that a mapping of conf/fitness/ describes; `kind` says which. Raises InputError.

    SLO classes are a mapping by name, or a list in which each says its own.
    """
    values = dict(mapping)
    kind = values.pop("kind", "relative")
    check_choice("fitness.kind", kind, ("relative", "original"))
    if kind == "relative":
        classes = values.get("classes")
        if isinstance(classes, Mapping):
            named = check_mapping(classes, "fitness.classes")
            values["classes"] = [
                {**check_mapping(one, f"fitness.classes.{name}"), "name": name} for name, one in named.items()
            ]
        return build(RelativeFitness, values, "fitness")
    check_keys(values, ("weights", "original_rules"), "fitness")
    return build(OriginalFitness, values, "fitness")
