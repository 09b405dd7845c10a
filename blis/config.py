"""The scenario as plain dataclasses: field names are the YAML keys; each checks its own numbers.

Layout: `shared/reference/*/config.yaml` and default-problem.md section 1. Nothing here reads a file.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

from blis.errors import InputError, check_choice, check_integer, check_number
from blis.policies.admission import ADMISSION
from blis.policies.routing import ROUTING
from blis.policies.scorers import SCORERS

ADMISSION_POLICIES = tuple(ADMISSION)
ROUTING_POLICIES = tuple(ROUTING)
SCORER_NAMES = tuple(SCORERS)
TIE_BREAKS = ("first", "random")
SCHEDULERS = ("fcfs",)
PRIORITIES = ("constant",)
LATENCY_KINDS = ("blackbox",)

MAX_TIME_US = 2**62  # times stay below this so that sums of two never overflow int64


@dataclass(frozen=True)
class Scorer:
    """One term of a weighted routing score."""

    name: str
    weight: float

    def __post_init__(self) -> None:
        """Check the name and that the weight is finite and above zero."""
        check_choice("routing scorer", self.name, SCORER_NAMES)
        check_number(f"weight of routing scorer {self.name!r}", self.weight, above=0)


#: The original's profile for `weighted` when no scorers are given (cluster-and-policies.md 4.3).
DEFAULT_SCORERS = (Scorer("prefix-affinity", 3.0), Scorer("queue-depth", 2.0), Scorer("kv-utilization", 2.0))


@dataclass(frozen=True)
class TokenBucket:
    """Parameters of token-bucket admission: starts full, refilled lazily at each decision."""

    capacity_tokens: float = 10_000.0
    refill_tokens_per_s: float = 1_000.0

    def __post_init__(self) -> None:
        """Check both are finite and within the template's bounds."""
        for key, bounds in ADMISSION.bounds["token-bucket"].items():
            check_number(f"token_bucket.{key}", getattr(self, key), bounds.low, bounds.high)


@dataclass(frozen=True)
class Admission:
    """Who gets in (cluster-and-policies.md section 3)."""

    policy: str = "always-admit"
    latency_us: int = 0
    token_bucket: TokenBucket = field(default_factory=TokenBucket)

    def __post_init__(self) -> None:
        """Check the policy name and the latency."""
        check_choice("admission policy", self.policy, ADMISSION_POLICIES)
        check_integer("admission.latency_us", self.latency_us, 0, MAX_TIME_US)


@dataclass(frozen=True)
class Signal:
    """How old a router's view of one signal may be: read on the grid k * age_us, 0 = live."""

    age_us: int = 0

    def __post_init__(self) -> None:
        """Check the age."""
        check_integer("signals.*.age_us", self.age_us, 0, MAX_TIME_US)


@dataclass(frozen=True)
class Signals:
    """Freshness of each signal; pending requests and the prefix index are always live."""

    queue_depth: Signal = field(default_factory=Signal)
    batch_size: Signal = field(default_factory=Signal)
    kv: Signal = field(default_factory=Signal)


@dataclass(frozen=True)
class Routing:
    """Where requests go (cluster-and-policies.md section 4)."""

    policy: str = "round-robin"
    latency_us: int = 0
    snapshot_refresh_us: int = 0  # > 0: the kv signal is re-read lazily, as the original does it
    scorers: tuple[Scorer, ...] = DEFAULT_SCORERS
    tie_break: str = "first"
    signals: Signals = field(default_factory=Signals)
    prefix_index_blocks: int = 10_000  # LRU capacity of the router's prefix index, an instance

    def __post_init__(self) -> None:
        """Check names, latencies, and that no scorer is given twice."""
        check_choice("routing policy", self.policy, ROUTING_POLICIES)
        check_choice("routing.tie_break", self.tie_break, TIE_BREAKS)
        check_integer("routing.latency_us", self.latency_us, 0, MAX_TIME_US)
        check_integer("routing.snapshot_refresh_us", self.snapshot_refresh_us, 0, MAX_TIME_US)
        check_integer("routing.prefix_index_blocks", self.prefix_index_blocks, 1, 2**31 - 1)
        if self.snapshot_refresh_us and self.signals.kv.age_us:
            raise InputError("routing.snapshot_refresh_us and routing.signals.kv.age_us exclude each other")
        names = [scorer.name for scorer in self.scorers]
        for name in names:
            if names.count(name) > 1:
                raise InputError(f"routing.scorers names {name!r} twice")
        if self.policy == "weighted" and not self.scorers:
            raise InputError("routing.scorers must not be empty with policy 'weighted'")


@dataclass(frozen=True)
class Cluster:
    """The control plane around a number of equal instances."""

    instances: int = 1
    admission: Admission = field(default_factory=Admission)
    routing: Routing = field(default_factory=Routing)

    def __post_init__(self) -> None:
        """Check the number of instances."""
        check_integer("cluster.instances", self.instances, 1, 100_000)


@dataclass(frozen=True)
class LatencyModel:
    """Blackbox step latency: queueing = trunc(a0 + a1 I), step = trunc(b0 + b1 X + b2 Y) (engine.md 10.1)."""

    kind: str = "blackbox"
    alpha: tuple[float, float, float] = (0.0, 0.0, 0.0)  # µs, µs a prompt token, µs an output token
    beta: tuple[float, float, float] = (0.0, 0.0, 0.0)  # µs, µs a prefill token, µs a decode token
    model: str = ""
    gpu: str = ""
    tp: int = 0

    def __post_init__(self) -> None:
        """Check coefficients are finite, not negative, and not all zero (a model without latency)."""
        check_choice("latency_model.kind", self.kind, LATENCY_KINDS)
        for key, values in (("alpha", self.alpha), ("beta", self.beta)):
            if len(values) != 3:
                raise InputError(f"latency_model.{key} must have 3 values, got {len(values)}")
            for position, value in enumerate(values):
                check_number(f"latency_model.{key}[{position}]", value, 0, 1e12)
        if not any(self.alpha) and not any(self.beta):
            raise InputError("latency_model: alpha and beta are all zero; give coefficients or model, gpu and tp")
        check_integer("latency_model.tp", self.tp, 0)


@dataclass(frozen=True)
class KV:
    """The KV cache of an instance; a second tier (cpu_blocks) is not available yet."""

    blocks: int = 1_000_000
    block_size_tokens: int = 16
    cpu_blocks: int = 0
    offload_threshold: float = 0.9
    transfer_bandwidth: float = 100.0
    transfer_base_latency_us: int = 0

    def __post_init__(self) -> None:
        """Check sizes."""
        check_integer("kv.blocks", self.blocks, 1, 2**31 - 1)
        check_integer("kv.block_size_tokens", self.block_size_tokens, 1, 2**20)
        check_integer("kv.cpu_blocks", self.cpu_blocks, 0)
        if self.cpu_blocks:
            raise InputError(f"kv.cpu_blocks must be 0, got {self.cpu_blocks}: a second tier is not available yet")
        check_number("kv.offload_threshold", self.offload_threshold, 0, 1)
        check_number("kv.transfer_bandwidth", self.transfer_bandwidth, above=0)
        check_integer("kv.transfer_base_latency_us", self.transfer_base_latency_us, 0, MAX_TIME_US)


@dataclass(frozen=True)
class Batch:
    """Limits of one step's batch."""

    max_running: int = 256
    max_scheduled_tokens: int = 2048
    long_prefill_threshold: int = 0  # cap on one request's prefill tokens a step, 0 = off

    def __post_init__(self) -> None:
        """Check limits (engine.md Q28)."""
        check_integer("batch.max_running", self.max_running, 1, 2**31 - 1)
        check_integer("batch.max_scheduled_tokens", self.max_scheduled_tokens, 1, 2**31 - 1)
        check_integer("batch.long_prefill_threshold", self.long_prefill_threshold, 0, 2**31 - 1)


@dataclass(frozen=True)
class Instance:
    """One engine replica; all replicas of a cluster are equal."""

    latency_model: LatencyModel
    kv: KV = field(default_factory=KV)
    batch: Batch = field(default_factory=Batch)
    scheduler: str = "fcfs"
    priority: str = "constant"

    def __post_init__(self) -> None:
        """Check template names."""
        check_choice("scheduler", self.scheduler, SCHEDULERS)
        check_choice("priority policy", self.priority, PRIORITIES)


@dataclass(frozen=True)
class Scenario:
    """A whole deployment, all names resolved: with a RequestTable it is a simulation."""

    instance: Instance
    cluster: Cluster = field(default_factory=Cluster)
    horizon_us: int | None = None  # events later than this are not executed; None = run to the end
    seed: int = 0
    name: str = ""
    description: str = ""
    pathological: bool = False

    def __post_init__(self) -> None:
        """Check the horizon."""
        if self.horizon_us is not None:
            check_integer("horizon_us", self.horizon_us, 1, MAX_TIME_US)


@dataclass(frozen=True)
class Compat:
    """One switch for each behaviour of the original that can be asked for (engine.md 14, the table).

    All False is the default, STRICT. `Compat.original()` switches on what `compat: original` means.
    """

    idle_when_batch_empties: bool = False  # Q2: a step may start while the last one still runs
    last_gap_twice: bool = False  # Q4: last step's gap counted twice, KV of the last token stored
    decode_tokens_only: bool = False  # Q5: output totals leave out first tokens
    overhead_per_token: bool = False  # Q6: alpha2 in every gap instead of once in E2E
    last_scheduling_delay: bool = False  # Q9: a re-admission overwrites the scheduling delay
    fit_prompt_only: bool = False  # Q10: only the prompt is checked against the cache
    free_full_hit: bool = False  # Q11: a fully cached prompt costs nothing and attaches nothing
    index_root_first: bool = False  # the router's prefix index ages roots first
    duration_last_event: bool = False  # duration = time of the last event

    @classmethod
    def original(cls) -> Compat:
        """All switches on."""
        return replace(cls(), **{switch.name: True for switch in fields(cls)})
