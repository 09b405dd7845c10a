"""A latency model that is slower as a whole."""

from __future__ import annotations

from collections.abc import Mapping


def scaled(values: Mapping[str, float], factor: float) -> dict[str, float]:
    """A kernel's parameters with all times so much longer; the units in their names say which are times or rates."""
    return {name: _scaled(name, value, factor) for name, value in values.items()}


def _scaled(name: str, value: float, factor: float) -> float:
    if "_us" in name:
        return value * factor
    return value / factor if name.endswith("_s") else value
