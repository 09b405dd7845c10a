"""The control plane: admission, gateway queue, and the other parts around the instances."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from blis.config.autoscaling import Autoscaling
from blis.config.disaggregation import Disaggregation, KVTransfer
from blis.config.failures import Breaker, Failures, Retries, Startup
from blis.config.hedging import Hedging
from blis.config.limits import MAX_INSTANCES, MAX_TIME_US, MAX_WEIGHT
from blis.config.routing import Routing, check_once
from blis.errors import InputError, check_choice, check_integer, check_number
from blis.policies.admission import ADMISSION

DETECTORS = ("never", "concurrency", "utilization")
ORDERINGS = ("fcfs", "deadline")
FAIRNESS = ("global-strict", "round-robin")
BANDS = ("strict", "weighted")


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
        check_once("flow_control.priority_bands", [band.priority for band in self.priority_bands])
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
class Cluster:
    """The control plane around a number of instances."""

    instances: int = 1
    admission: Admission = field(default_factory=Admission)
    flow_control: FlowControl = field(default_factory=FlowControl)
    routing: Routing = field(default_factory=Routing)
    disaggregation: Disaggregation = field(default_factory=Disaggregation)
    kv_transfer: KVTransfer = field(default_factory=KVTransfer)
    retries: Retries = field(default_factory=Retries)
    breaker: Breaker = field(default_factory=Breaker)
    hedging: Hedging = field(default_factory=Hedging)
    failures: Failures = field(default_factory=Failures)
    startup: Startup = field(default_factory=Startup)
    autoscaling: Autoscaling = field(default_factory=Autoscaling)

    def __post_init__(self) -> None:
        """Check the number of instances, that those which fail exist, and that the parts go together."""
        check_integer("cluster.instances", self.instances, 1, MAX_INSTANCES)
        if self.flow_control.enabled and self.routing.latency_us:
            raise InputError("routing.latency_us must be 0 with flow_control: the gateway routes when it dispatches")
        self.autoscaling.check_cluster(self.flow_control.enabled)
        if self.autoscaling.any and self.disaggregation.prefill_instances:
            raise InputError("autoscaling and disaggregation.prefill_instances exclude each other: one pool is scaled")
        if self.autoscaling.any and self.hedging.any:
            raise InputError("autoscaling and hedging exclude each other: copies go to instances that stay")
        if self.disaggregation.prefill_instances >= self.instances:
            raise InputError(
                f"disaggregation.prefill_instances must leave one of cluster.instances ({self.instances}) to decode,"
                f" got {self.disaggregation.prefill_instances}"
            )
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
