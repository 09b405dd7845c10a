"""The policy bundle: one candidate policy as a small YAML file (cluster-and-policies.md section 7).

The original's keys, and ours on top: `routing.tie_break`, `engine` knobs, `provenance`. Every key may be
left out; what is left out (or given as "") keeps the scenario's value.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from blis.config import PRIORITIES, SCHEDULERS, Admission, Batch, Routing, Scorer
from blis.errors import check_choice, check_number
from blis.yaml_strict import build, check_mapping, load_mapping, named_source, plain


def _unset_if_empty(part: object, *names: str) -> None:
    """Turn "" and empty lists into None, so that there is one way to say unset."""
    for name in names:
        if not getattr(part, name):
            object.__setattr__(part, name, None)


@dataclass(frozen=True)
class BundleAdmission:
    """Who gets in; capacity in tokens, refill rate in tokens a second. 0 is a value, None is unset."""

    policy: str | None = None
    token_bucket_capacity: float | None = None
    token_bucket_refill_rate: float | None = None

    def __post_init__(self) -> None:
        """Check the name and that the numbers are finite and not negative."""
        _unset_if_empty(self, "policy")
        if self.policy is not None:
            Admission(policy=self.policy)
        for key in ("token_bucket_capacity", "token_bucket_refill_rate"):
            if getattr(self, key) is not None:
                check_number(f"admission.{key}", getattr(self, key), 0)


@dataclass(frozen=True)
class BundleRouting:
    """Where requests go. Scorers are checked whatever the policy is."""

    policy: str | None = None
    scorers: tuple[Scorer, ...] | None = None
    tie_break: str | None = None

    def __post_init__(self) -> None:
        """Check names, and that no scorer is given twice."""
        _unset_if_empty(self, "policy", "scorers", "tie_break")
        Routing(**_given(self))


@dataclass(frozen=True)
class BundlePriority:
    """How a waiting request's priority is computed."""

    policy: str | None = None

    def __post_init__(self) -> None:
        """Check the name."""
        _unset_if_empty(self, "policy")
        if self.policy is not None:
            check_choice("priority policy", self.policy, PRIORITIES)


@dataclass(frozen=True)
class BundleEngine:
    """Engine knobs: tokens a step, requests in the batch, cap on one request's prefill tokens a step (0 = off)."""

    max_scheduled_tokens: int | None = None
    max_running: int | None = None
    long_prefill_threshold: int | None = None

    def __post_init__(self) -> None:
        """Check limits."""
        Batch(**_given(self))


@dataclass(frozen=True)
class PolicyBundle:
    """One candidate policy. `provenance` is where it came from, plain YAML values; it changes no decision."""

    admission: BundleAdmission = field(default_factory=BundleAdmission)
    routing: BundleRouting = field(default_factory=BundleRouting)
    priority: BundlePriority = field(default_factory=BundlePriority)
    scheduler: str | None = None
    engine: BundleEngine = field(default_factory=BundleEngine)
    provenance: dict[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        """Check the scheduler's name."""
        _unset_if_empty(self, "scheduler")
        if self.scheduler is not None:
            check_choice("scheduler", self.scheduler, SCHEDULERS)


def load_bundle(source: str | Path | Mapping[str, Any]) -> PolicyBundle:
    """A bundle from a YAML file or a mapping; an empty one is a bundle that changes nothing.

    Raises InputError naming file, key, value and valid choices.
    """
    if isinstance(source, str | Path):
        with named_source(source):
            return load_bundle(load_mapping(source))
    mapping = check_mapping(source, "policy bundle")
    return build(PolicyBundle, {key: value for key, value in mapping.items() if value is not None})


def bundle_mapping(bundle: PolicyBundle) -> dict[str, Any]:
    """The canonical mapping of a bundle: keys in a fixed order, unset ones left out, 3.0 written as 3.

    Equal bundles give equal mappings, and `load_bundle` reads them back equal.
    """
    mapping = {key: value for key, value in plain(bundle).items() if value not in ({}, [])}
    provenance = mapping.pop("provenance", None)
    mapping = _canonical_numbers(mapping)
    return mapping if provenance is None else {**mapping, "provenance": provenance}


def bundle_digest(bundle: PolicyBundle) -> str:
    """SHA-256 of what a bundle decides, in hex; its provenance is left out."""
    mapping = bundle_mapping(bundle)
    mapping.pop("provenance", None)
    return hashlib.sha256(json.dumps(mapping, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _given(part: Any) -> dict[str, Any]:
    """The fields of a part that are set, by name."""
    return {name: getattr(part, name) for name in part.__dataclass_fields__ if getattr(part, name) is not None}


def _canonical_numbers(value: Any) -> Any:
    """Whole floats as integers, in nested plain objects."""
    if isinstance(value, dict):
        return {key: _canonical_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_canonical_numbers(item) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value
