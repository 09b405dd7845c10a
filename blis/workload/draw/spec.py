"""The workload specification: field names are the YAML keys; each class checks its own numbers.

Source: workload-and-calibration.md section 5, of which this is the part that is supported, and
default-problem.md section 1, which `population` describes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blis.config import MAX_TIME_US, MAX_WEIGHT
from blis.errors import InputError, check_integer, check_number
from blis.tables.placement import Placement
from blis.workload.assemble import MAX_TOKENS
from blis.workload.draw.arrivals import MAX_RATE, MAX_REQUESTS, Arrival
from blis.workload.draw.lengths import Distribution
from blis.yaml_strict import build, check_mapping, load_mapping, plain

DEFAULT_PREFIX_TOKENS = 50  # of a prefix group for which no client gives a length

_UNSUPPORTED = ("servegen_data", "inference_perf")
_UNSUPPORTED_OF_CLIENT = ("network", "lifecycle", "multimodal", "reasoning")


@dataclass(frozen=True)
class Client:
    """One source of requests with its own arrivals and lengths.

    id: names the client's random streams; empty = client_<index>. tenant_id, slo_class: free names.
    rate_fraction: its weight in the aggregate rate; the weights need not sum to 1.
    prefix_group: clients of one group start all prompts with the same prefix; it is additional to the
    lengths of input_distribution. prefix_length: tokens; left out = what another client of the group says, else 50.
    streaming: accepted, changes nothing.
    requires, prefers, avoids: labels of the instances that its requests may or would like to run on.
    """

    rate_fraction: float
    arrival: Arrival
    input_distribution: Distribution
    output_distribution: Distribution
    id: str = ""
    tenant_id: str = ""
    slo_class: str = ""
    prefix_group: str = ""
    prefix_length: int | None = None
    streaming: bool = False
    requires: dict[str, str] | None = field(default=None, hash=False)
    prefers: dict[str, str] | None = field(default=None, hash=False)
    avoids: dict[str, str] | None = field(default=None, hash=False)

    def __post_init__(self) -> None:
        """Check the rate fraction, the prefix and the labels."""
        for kind in ("requires", "prefers", "avoids"):
            labels = getattr(self, kind) or None  # one way to say none
            object.__setattr__(self, kind, labels)
            for name, value in (labels or {}).items():
                if not name or not value:
                    raise InputError(f"{kind}: a label must have a name and a value, got {name!r}: {value!r}")
        check_number("rate_fraction", self.rate_fraction, 0, MAX_WEIGHT, above=0)
        if self.prefix_length is not None:
            check_integer("prefix_length", self.prefix_length, 0, MAX_TOKENS)
            if not self.prefix_group:
                raise InputError("prefix_length needs a prefix_group")

    @property
    def placement(self) -> Placement:
        """Where its requests run."""
        return Placement(self.requires or {}, self.prefers or {}, self.avoids or {})


@dataclass(frozen=True)
class Tenants:
    """Who sends: `count` tenants named tenant_0, …; tenant i has a share proportional to (i + 1) ** -zipf."""

    count: int
    zipf: float = 0.0

    def __post_init__(self) -> None:
        """Check the count and the exponent."""
        check_integer("count", self.count, 1, 10**6)
        check_number("zipf", self.zipf, 0, 10)

    def shares(self) -> NDArray[np.float64]:
        """[count] shares of the requests, summing to 1."""
        weights = np.arange(1, self.count + 1, dtype=np.float64) ** -self.zipf
        return weights / weights.sum()


@dataclass(frozen=True)
class TenantPrefix:
    """What a tenant's requests start with: a prefix of its own, carried by a `share` of them.

    length_distribution: one draw per tenant, from the specification's seed, the same in every table.
    """

    share: float
    length_distribution: Distribution

    def __post_init__(self) -> None:
        """Check the share."""
        check_number("share", self.share, 0, 1)


@dataclass(frozen=True)
class Population:
    """Many tenants behind one arrival process; each request draws its tenant, class and prefix-or-none independently.

    classes: SLO class name -> share; the shares sum to 1. prefix: left out = none.
    input_distribution: a request's own text, after the prefix.
    """

    arrival: Arrival
    tenants: Tenants
    classes: dict[str, float]
    input_distribution: Distribution
    output_distribution: Distribution
    prefix: TenantPrefix | None = None

    def __post_init__(self) -> None:
        """Check the class shares."""
        for name, share in self.classes.items():
            check_number(f"classes.{name}", share, 0, 1)
        if abs(sum(self.classes.values()) - 1) > 1e-9:
            raise InputError(f"classes: the shares must sum to 1, got {sum(self.classes.values()):g}")


@dataclass(frozen=True)
class WorkloadSpec:
    """A workload: either `clients` or a `population`, and how much of it.

    aggregate_rate: requests per second over all clients. num_requests: 0 = no limit; horizon: µs, 0 = none;
    arrivals at or after it are left out; one of the two must be given.
    seed: the population's (prefix lengths); requests come from a table's own seed.
    version: "1". name: for people. category: "" or "language", changes nothing.
    """

    aggregate_rate: float
    name: str = ""
    version: str = "1"
    category: str = ""
    seed: int = 0
    num_requests: int = 0
    horizon: int = 0
    clients: tuple[Client, ...] = ()
    population: Population | None = None

    def __post_init__(self) -> None:
        """Check all that concerns more than one client."""
        if self.version != "1":
            raise InputError(f'version must be "1", got {self.version!r}')
        if self.category not in ("", "language"):
            raise InputError(f"category must be empty or language, got {self.category!r}: others are not supported")
        check_number("aggregate_rate", self.aggregate_rate, 0, MAX_RATE, above=0)
        check_integer("seed", self.seed, 0)
        check_integer("num_requests", self.num_requests, 0, MAX_REQUESTS)
        check_integer("horizon", self.horizon, 0, MAX_TIME_US)
        if self.num_requests == 0 and self.horizon == 0:
            raise InputError("num_requests or horizon must be given: nothing else ends the workload")
        if bool(self.clients) == (self.population is not None):
            found = "both" if self.clients else "neither"
            raise InputError(f"clients (at least one) or population must be given, got {found}")
        names = self.client_names
        for i, name in enumerate(names):
            if name in names[:i]:
                raise InputError(f"clients[{i}].id: {name!r} is already the name of clients[{names.index(name)}]")
        self.group_prefix_tokens()

    @property
    def client_names(self) -> tuple[str, ...]:
        """The names of the clients, in order; they name random streams."""
        return tuple(client.id or f"client_{i}" for i, client in enumerate(self.clients))

    def group_prefix_tokens(self) -> dict[str, int]:
        """Prefix group -> length of its prefix. Raises InputError if two clients say different lengths."""
        lengths: dict[str, int] = {}
        for i, client in enumerate(self.clients):
            if client.prefix_length is not None:
                known = lengths.setdefault(client.prefix_group, client.prefix_length)
                if known != client.prefix_length:
                    raise InputError(
                        f"clients[{i}].prefix_length: {client.prefix_length}, but another client"
                        f" of group {client.prefix_group!r} says {known}"
                    )
        groups = {client.prefix_group: DEFAULT_PREFIX_TOKENS for client in self.clients if client.prefix_group}
        return groups | lengths


def load_spec(source: str | Path | Mapping[str, Any]) -> WorkloadSpec:
    """A specification from a YAML file or a mapping.

    Strict: raises InputError naming file and key path for unknown, duplicate and missing keys, wrong
    types and numbers out of range, and says so where a key of the original is not supported.
    """
    if isinstance(source, Mapping):
        return _from_mapping(check_mapping(source, "workload"))
    mapping = load_mapping(source)
    try:
        return _from_mapping(mapping)
    except InputError as error:
        raise InputError(f"{source}: {error}") from None


def spec_mapping(spec: WorkloadSpec) -> dict[str, Any]:
    """The specification as plain objects, which `load_spec` reads back equal; equal specs give equal mappings."""
    mapping: dict[str, Any] = plain(spec)
    if not spec.clients:
        del mapping["clients"]
    return mapping


def _from_mapping(mapping: dict[str, Any]) -> WorkloadSpec:
    clients = mapping.get("clients")
    for where, part, keys in [("", mapping, _UNSUPPORTED)] + [
        (f"clients[{i}].", client, _UNSUPPORTED_OF_CLIENT)
        for i, client in enumerate(clients if isinstance(clients, list) else [])
    ]:
        for key in keys:
            if isinstance(part, Mapping) and key in part:
                raise InputError(f"{where}{key} is not supported")
    version = mapping.get("version")
    if version == 1 and not isinstance(version, bool | float):
        mapping = mapping | {"version": "1"}  # YAML reads an unquoted 1 as a number
    return build(WorkloadSpec, mapping)
