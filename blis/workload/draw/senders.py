"""Who sends requests: clients, one by one, and populations of tenants; field names are the YAML keys.

Source: workload-and-calibration.md section 5, and default-problem.md section 1 for populations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from blis.config import MAX_WEIGHT
from blis.errors import InputError, check_integer, check_number
from blis.tables.network import Network
from blis.tables.placement import Placement
from blis.workload.assemble import MAX_TOKENS
from blis.workload.draw.adapters import Adapters
from blis.workload.draw.arrivals import Arrival
from blis.workload.draw.coupling import check_coupling
from blis.workload.draw.given_files import EMPIRICAL
from blis.workload.draw.lengths import Distribution
from blis.workload.draw.multimodal import Multimodal
from blis.workload.draw.rates import Lifecycle, RateOverTime
from blis.workload.draw.sessions import MultiTurn, Reasoning


@dataclass(frozen=True)
class ClientNetwork:
    """The way to the server and back; clients see it on top of what the server does, and wait for it in a closed loop.

    rtt_ms: of a request of no length. bandwidth_mbps: for prompts and answers, 4 bytes a token; left out = no limit.
    """

    rtt_ms: float = 0.0
    bandwidth_mbps: float | None = None

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_number("rtt_ms", self.rtt_ms, 0, 1e9)
        if self.bandwidth_mbps is not None:
            check_number("bandwidth_mbps", self.bandwidth_mbps, 0, 1e12, above=0)

    @property
    def of_table(self) -> Network:
        """The same in µs."""
        return Network(self.rtt_ms * 1000, self.bandwidth_mbps or 0.0)


@dataclass(frozen=True, kw_only=True)
class Sender:
    """What clients and populations have in common, all of it optional.

    rate_over_time: factors on the rate; left out = those of the specification. lifecycle: when it is there.
    closed_loop: rounds of a conversation wait for the answer before, or come when an estimate says; left out = what the
    version of the file says. length_coupling: how often prompts of each equal part, the shortest first, have outputs of
    each equal part; of `empirical` lengths. Left out: outputs do not depend on prompts.
    adapters: LoRA adapters that its requests are for; left out = all are for the base model.
    """

    rate_over_time: RateOverTime | None = None
    lifecycle: Lifecycle | None = None
    network: ClientNetwork | None = None
    multimodal: Multimodal | None = None
    reasoning: Reasoning | None = None
    closed_loop: bool | None = None
    length_coupling: tuple[tuple[float, ...], ...] | None = None
    adapters: Adapters | None = None

    @property
    def multi_turn(self) -> MultiTurn | None:
        """The conversations, if arrivals are the starts of such."""
        return None if self.reasoning is None else self.reasoning.multi_turn

    @property
    def first_input_distribution(self) -> Distribution | None:
        """Own tokens of the prompts that open conversations, where they are said apart."""
        return None if self.multi_turn is None else self.multi_turn.first_input_distribution

    @property
    def between(self) -> Network:
        """What lies between it and the server."""
        return Network() if self.network is None else self.network.of_table


@dataclass(frozen=True)
class Client(Sender):
    """One source of requests with its own arrivals and lengths.

    id: names the client's random streams; empty = client_<index>. tenant_id, slo_class: free names.
    rate_fraction: its weight in the aggregate rate; the weights need not sum to 1.
    prefix_group: clients of one group start all prompts with the same prefix; it is additional to the
    lengths of input_distribution. prefix_length: tokens; left out = what another client of the group says, else 50.
    streaming: recorded, changes nothing.
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
        _check_coupling(self)
        if self.adapters is not None and self.adapters.by == "tenant":
            raise InputError("adapters.by: a client is one tenant; give the share of its adapter by name")
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
class Population(Sender):
    """Many tenants behind one arrival process; each request draws its tenant, class and prefix-or-none independently.

    classes: SLO class name -> share; the shares sum to 1. prefix: left out = none.
    input_distribution: a request's own text, after the prefix. rate_fraction: its weight beside clients; left out = 1.
    """

    arrival: Arrival
    tenants: Tenants
    classes: dict[str, float]
    input_distribution: Distribution
    output_distribution: Distribution
    prefix: TenantPrefix | None = None
    rate_fraction: float | None = None

    def __post_init__(self) -> None:
        """Check the weight and the class shares."""
        if self.rate_fraction is not None:
            check_number("rate_fraction", self.rate_fraction, 0, MAX_WEIGHT, above=0)
        _check_coupling(self)
        check_shares("classes", self.classes)


def check_shares(key: str, shares: Mapping[str, float]) -> None:
    """Check that shares by name are shares of one whole."""
    for name, share in shares.items():
        check_number(f"{key}.{name}", share, 0, 1)
    if abs(sum(shares.values()) - 1) > 1e-9:
        raise InputError(f"{key}: the shares must sum to 1, got {sum(shares.values()):g}")


def _check_coupling(one: Client | Population) -> None:
    """Check that what is coupled can be: all parts of prompts occur, with lengths of bins that are not in parts."""
    if one.length_coupling is None:
        return
    check_coupling("length_coupling", one.length_coupling)
    first = one.first_input_distribution
    kinds = tuple(law.type for law in (first, one.input_distribution, one.output_distribution) if law is not None)
    if set(kinds) != {EMPIRICAL} or one.multimodal is not None:
        raise InputError(f"length_coupling: all lengths must be {EMPIRICAL}, without multimodal, got {kinds}")
