"""Placement: on which instances a request may and would like to run (docs/policies.md section 1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from blis.sums import total


@dataclass(frozen=True)
class Placement:
    """Labels that an instance must carry, ones that are liked, and ones it must not carry."""

    requires: Mapping[str, str] = field(default_factory=dict, hash=False)
    prefers: Mapping[str, str] = field(default_factory=dict, hash=False)
    avoids: Mapping[str, str] = field(default_factory=dict, hash=False)

    def allows(self, labels: Mapping[str, Any]) -> bool:
        """Whether an instance with these labels may run the request."""
        required = all(_matches(labels, *label) for label in self.requires.items())
        return required and not any(_matches(labels, *label) for label in self.avoids.items())

    def preference(self, labels: Mapping[str, Any]) -> float:
        """The share of the liked labels that an instance carries; 0 if none is liked."""
        liked = [_matches(labels, *label) for label in self.prefers.items()]
        return total(liked) / len(liked) if liked else 0.0


def _matches(labels: Mapping[str, Any], name: str, value: str) -> bool:
    """Whether a label has this value, or holds it in its list."""
    found = labels.get(name)
    return value in found if isinstance(found, list | tuple) else value == found
