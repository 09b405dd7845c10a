"""The control plane: admission, gateway queue, routing, and how fresh its signals are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from blis.config.autoscaling import Autoscaling
from blis.config.failures import Failures, Retries, Startup
from blis.config.limits import MAX_INSTANCES, MAX_TIME_US, MAX_WEIGHT
from blis.errors import InputError, check_choice, check_integer, check_number
from blis.policies.admission import ADMISSION
from blis.policies.filters import FILTERS
from blis.policies.routing import ROUTING
from blis.policies.scorers import SCORERS

TIE_BREAKS = ("first", "random")
PICKERS = ("max", "weighted-random")
DETECTORS = ("never", "concurrency", "utilization")
ORDERINGS = ("fcfs", "deadline")
FAIRNESS = ("global-strict", "round-robin")
BANDS = ("strict", "weighted")


def _check_once(key: str, names: Sequence[str | float]) -> None:
    """Raise InputError if a name is there twice."""
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{key} names {name!r} twice")


@dataclass(frozen=True)
class Scorer:
    """One term of a weighted routing score, and its parameters (SCORERS says which it has)."""

    name: str
    weight: float
    parameters: dict[str, float] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        """Check name and parameters, and that the weight is finite and above zero."""
        SCORERS.values(self.name, self.parameters)
        check_number(f"weight of routing scorer {self.name!r}", self.weight, 0, MAX_WEIGHT, above=0)


def default_scorers() -> tuple[Scorer, ...]:
    """The original's profile for `weighted` when no scorers are given (cluster-and-policies.md 4.3)."""
    return Scorer("prefix-affinity", 3.0), Scorer("queue-depth", 2.0), Scorer("kv-utilization", 2.0)


@dataclass(frozen=True)
class Filter:
    """One filter before the scores, and its parameters (FILTERS says which it has)."""

    name: str
    parameters: dict[str, float] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        """Check name and parameters."""
        FILTERS.values(self.name, self.parameters)


@dataclass(frozen=True)
class Admission:
    """Who gets in, and the policy's parameters (ADMISSION says which it has)."""

    policy: str = "always-admit"
    latency_us: int = 0
    parameters: dict[str, float] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        """Check the policy name, its parameters and the latency."""
        ADMISSION.code(self.policy)
        check_integer("admission.latency_us", self.latency_us, 0, MAX_TIME_US)
        ADMISSION.values(self.policy, self.parameters)


@dataclass(frozen=True)
class PriorityBand:
    """What the gateway queue does otherwise for the requests whose classes have this priority."""

    priority: float
    weight: int = 1  # requests a round, where bands take turns
    ttl_us: int | None = None  # None: as all
    max_requests: int | None = None

    def __post_init__(self) -> None:
        """Check the numbers."""
        check_number("priority", self.priority, -MAX_WEIGHT, MAX_WEIGHT)
        check_integer("weight", self.weight, 1, 1_000_000)
        if self.ttl_us is not None:
            check_integer("ttl_us", self.ttl_us, 0, MAX_TIME_US)
        if self.max_requests is not None:
            check_integer("max_requests", self.max_requests, 1, 2**31 - 1)


@dataclass(frozen=True)
class FlowControl:
    """The gateway queue: admitted requests wait there until the cluster has room (docs/policies.md section 4)."""

    enabled: bool = False
    detector: str = "concurrency"
    max_concurrency: float = 100.0
    queue_threshold: float = 5.0
    kv_threshold: float = 0.8
    ordering: str = "fcfs"
    fairness: str = "global-strict"
    bands: str = "strict"  # "weighted": bands take turns
    priority_bands: tuple[PriorityBand, ...] = ()  # those with something of their own
    max_requests_per_band: int = 5000
    ttl_us: int = 0  # 0 = for ever
    interval_us: int = 1_000

    def __post_init__(self) -> None:
        """Check names and numbers."""
        check_choice("flow_control.detector", self.detector, DETECTORS)
        check_choice("flow_control.ordering", self.ordering, ORDERINGS)
        check_choice("flow_control.fairness", self.fairness, FAIRNESS)
        check_choice("flow_control.bands", self.bands, BANDS)
        _check_once("flow_control.priority_bands", [band.priority for band in self.priority_bands])
        check_number("flow_control.max_concurrency", self.max_concurrency, 1e-3, 1e9)
        check_number("flow_control.queue_threshold", self.queue_threshold, 1e-3, 1e9)
        check_number("flow_control.kv_threshold", self.kv_threshold, 1e-3, 1)
        check_integer("flow_control.max_requests_per_band", self.max_requests_per_band, 1, 2**31 - 1)
        check_integer("flow_control.ttl_us", self.ttl_us, 0, MAX_TIME_US)
        check_integer("flow_control.interval_us", self.interval_us, 1, MAX_TIME_US)

    def band(self, priority: float) -> PriorityBand:
        """What holds for the band of a priority, complete."""
        own = next((band for band in self.priority_bands if band.priority == priority), PriorityBand(priority))
        return replace(
            own,
            ttl_us=self.ttl_us if own.ttl_us is None else own.ttl_us,
            max_requests=self.max_requests_per_band if own.max_requests is None else own.max_requests,
        )


@dataclass(frozen=True)
class Signal:
    """How old a router's view of one signal may be: read on the grid k * age_us, 0 = live."""

    age_us: int = 0

    def __post_init__(self) -> None:
        """Check the age."""
        check_integer("signals.*.age_us", self.age_us, 0, MAX_TIME_US)


@dataclass(frozen=True)
class Signals:
    """Freshness of each signal; what the router itself knows is always live."""

    queue_depth: Signal = field(default_factory=Signal)
    batch_size: Signal = field(default_factory=Signal)
    kv: Signal = field(default_factory=Signal)
    cache: Signal = field(default_factory=Signal)


@dataclass(frozen=True)
class Routing:
    """Where requests go (docs/policies.md section 3)."""

    policy: str = "round-robin"
    latency_us: int = 0
    snapshot_refresh_us: int = 0  # > 0: the kv signal is re-read lazily, as the original does it
    filters: tuple[Filter, ...] = ()
    scorers: tuple[Scorer, ...] = field(default_factory=default_scorers)
    parameters: dict[str, float] = field(default_factory=dict, hash=False)
    picker: str = "max"
    tie_break: str = "random"  # as llm-d's picker does; "first" by index, as the original
    signals: Signals = field(default_factory=Signals)
    prefix_index_blocks: int = 10_000  # LRU capacity of the router's prefix index, an instance
    prefix_index_block_tokens: int = 0  # tokens of a block there, 0 = those of a KV block
    prefix_index_max_tokens: int = 0  # what lies behind so many tokens of a prompt is not looked at, 0 = all is

    def __post_init__(self) -> None:
        """Check names, latencies, and that no scorer or filter is given twice."""
        ROUTING.code(self.policy)
        check_choice("routing.picker", self.picker, PICKERS)
        check_choice("routing.tie_break", self.tie_break, TIE_BREAKS)
        check_integer("routing.latency_us", self.latency_us, 0, MAX_TIME_US)
        check_integer("routing.snapshot_refresh_us", self.snapshot_refresh_us, 0, MAX_TIME_US)
        check_integer("routing.prefix_index_blocks", self.prefix_index_blocks, 1, 2**31 - 1)
        check_integer("routing.prefix_index_block_tokens", self.prefix_index_block_tokens, 0, 2**20)
        check_integer("routing.prefix_index_max_tokens", self.prefix_index_max_tokens, 0, 2**31 - 1)
        ROUTING.values(self.policy, self.parameters)
        if self.snapshot_refresh_us and self.signals.kv.age_us:
            raise InputError("routing.snapshot_refresh_us and routing.signals.kv.age_us exclude each other")
        _check_once("routing.scorers", [scorer.name for scorer in self.scorers])
        _check_once("routing.filters", [one.name for one in self.filters])
        if self.policy == "weighted" and not self.scorers:
            raise InputError("routing.scorers must not be empty with policy 'weighted'")
        if self.picker == "weighted-random" and self.policy != "weighted":
            raise InputError("routing.picker 'weighted-random' needs policy 'weighted'")


@dataclass(frozen=True)
class Cluster:
    """The control plane around a number of instances."""

    instances: int = 1
    admission: Admission = field(default_factory=Admission)
    flow_control: FlowControl = field(default_factory=FlowControl)
    routing: Routing = field(default_factory=Routing)
    retries: Retries = field(default_factory=Retries)
    failures: Failures = field(default_factory=Failures)
    startup: Startup = field(default_factory=Startup)
    autoscaling: Autoscaling = field(default_factory=Autoscaling)

    def __post_init__(self) -> None:
        """Check the number of instances, that those which fail exist, and that the parts go together."""
        check_integer("cluster.instances", self.instances, 1, MAX_INSTANCES)
        if self.flow_control.enabled and self.routing.latency_us:
            raise InputError("routing.latency_us must be 0 with flow_control: the gateway routes when it dispatches")
        self.autoscaling.check_cluster(self.flow_control.enabled)
        for number, outage in enumerate(self.failures.scheduled):
            for instance in outage.instances:
                key = f"failures.scheduled[{number}].instances"
                check_integer(key, instance, 0, self.places - 1)

    @property
    def places(self) -> int:
        """Instances that there may be at once."""
        return self.autoscaling.maximum if self.autoscaling.any else self.instances

    @property
    def at_start(self) -> int:
        """Instances that serve when the run begins, those with the lowest numbers."""
        least = self.autoscaling.minimum if self.autoscaling.any else self.instances
        return min(max(self.instances, least), self.places)
