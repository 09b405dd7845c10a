"""The numbers of the two token buckets in files: older keys than the `parameters` of all other admission policies.

A scenario has `cluster.admission.token_bucket: {capacity_tokens, refill_tokens_per_s}`, a policy bundle, a flag and
a column `admission.token_bucket_capacity` and `_refill_rate`. Here they become `parameters` when a file is loaded,
and get their old keys back when it is written; docs/policies.md section 4 says what they mean beside other policies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from blis.config import Admission
from blis.errors import InputError, check_number
from blis.policies.admission import ADMISSION
from blis.yaml_strict import build, plain

#: The bucket whose bounds and defaults both have.
BUCKET = "token-bucket"

#: Keys of a bundle's `admission`, and the parameters that they stand for.
BUNDLE_KEYS = {"token_bucket_capacity": "capacity_tokens", "token_bucket_refill_rate": "refill_tokens_per_s"}


def is_bucket(policy: str) -> bool:
    """Whether an admission policy is a token bucket."""
    return set(ADMISSION[policy].bounds) == set(BUNDLE_KEYS.values())


def owner(policy: str | None, parameters: Mapping[str, float] | None) -> str | None:
    """The policy that a bundle's parameters are of: the one it names; a bucket's need no name, and are any bucket's."""
    return policy or (BUCKET if parameters and set(parameters) <= set(BUNDLE_KEYS.values()) else None)


@dataclass(frozen=True)
class _TokenBucket:
    """A scenario's numbers."""

    capacity_tokens: float = 10_000.0
    refill_tokens_per_s: float = 1_000.0

    def __post_init__(self) -> None:
        """Check both are finite and within the template's bounds."""
        for key, bounds in ADMISSION[BUCKET].bounds.items():
            check_number(f"token_bucket.{key}", getattr(self, key), bounds.low, bounds.high)


@dataclass(frozen=True)
class _ScenarioFile(Admission):
    """`cluster.admission` in a scenario file."""

    token_bucket: _TokenBucket = field(default_factory=_TokenBucket)

    def __post_init__(self) -> None:
        """Check that numbers stand beside a policy that has them."""
        if is_bucket(self.policy) and self.parameters:
            raise InputError(f"admission.parameters must be empty: {self.policy!r} takes its own from token_bucket")
        super().__post_init__()
        if not is_bucket(self.policy) and self.token_bucket != _TokenBucket():
            raise InputError(f"token_bucket is given beside {self.policy!r}; give the numbers where a bucket is named")


@dataclass(frozen=True)
class _BundleFile:
    """`admission` in a bundle file; capacity in tokens, refill rate in tokens a second. 0 is a value, None is unset."""

    policy: str | None = None
    token_bucket_capacity: float | None = None
    token_bucket_refill_rate: float | None = None
    parameters: dict[str, float] | None = None

    def __post_init__(self) -> None:
        """Check that a bucket has no other parameters, and its numbers whatever the policy is."""
        policy = owner(self.policy, self.parameters)
        if policy and is_bucket(policy) and self.parameters:
            raise InputError(f"admission.parameters must be empty: {policy!r} has {' and '.join(BUNDLE_KEYS)}")
        for key, name in BUNDLE_KEYS.items():
            if getattr(self, key) is not None:
                check_number(f"admission.{key}", getattr(self, key), 0)
                check_number(f"admission.{key}", getattr(self, key), 0, ADMISSION[BUCKET].bounds[name].high)


def read_scenario(admission: object) -> dict[str, Any]:
    """A scenario file's `cluster.admission` as `Admission` has it: both numbers of a bucket are its parameters."""
    mapping = plain(build(_ScenarioFile, admission, "cluster.admission"))
    numbers = mapping.pop("token_bucket")
    return {**mapping, "parameters": numbers} if is_bucket(mapping["policy"]) else mapping


def scenario_file(admission: Admission) -> dict[str, Any]:
    """What `read_scenario` reads back: `token_bucket` is always there, with the defaults beside other policies."""
    if is_bucket(admission.policy):
        numbers, others = ADMISSION.named_values(admission.policy, admission.parameters), {}
    else:
        numbers, others = ADMISSION.named_values(BUCKET, {}), dict(admission.parameters)
    return {
        "policy": admission.policy,
        "latency_us": admission.latency_us,
        "token_bucket": numbers,
        "parameters": others,
    }


def read_bundle(admission: object) -> dict[str, Any]:
    """A bundle file's `admission` as `BundleAdmission` has it; numbers beside a policy that is no bucket go."""
    given = build(_BundleFile, admission, "admission")
    mapping = plain(given)
    numbers = {name: mapping.pop(key) for key, name in BUNDLE_KEYS.items() if key in mapping}
    if not given.parameters and (not given.policy or is_bucket(given.policy)):
        mapping["parameters"] = numbers
    return mapping


def bundle_file(admission: Mapping[str, Any]) -> dict[str, Any]:
    """What `read_bundle` reads back, from a plain `BundleAdmission`."""
    mapping = dict(admission)
    policy = owner(mapping.get("policy"), mapping.get("parameters"))
    if policy and is_bucket(policy):
        numbers = mapping.pop("parameters", {})
        mapping |= {key: numbers[name] for key, name in BUNDLE_KEYS.items() if name in numbers}
    return mapping
