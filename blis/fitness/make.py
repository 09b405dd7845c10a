"""The fitness that a configuration asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from blis.errors import check_choice
from blis.evaluation.slo import SLOClass
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
            values["classes"] = [_slo_class(name, one) for name, one in named.items()]
        return build(RelativeFitness, values, "fitness")
    check_keys(values, ("weights", "original_rules"), "fitness")
    return build(OriginalFitness, values, "fitness")


def _slo_class(name: str, targets: object) -> SLOClass:
    """The class of a name, from its targets and its weight."""
    path = f"fitness.classes.{name}"
    given = check_mapping(targets, path)
    check_keys(given, [field.name for field in fields(SLOClass) if field.name != "name"], path)
    return build(SLOClass, {"name": name, **given}, path)
