"""One engine replica: latency model, KV cache, batch limits, wait queue."""

from __future__ import annotations

from dataclasses import dataclass, field

from blis.errors import InputError, check_choice, check_integer, check_number
from blis.policies.priority import PRIORITIES
from blis.policies.schedulers import SCHEDULERS

PREEMPTIONS = ("tail", "priority")
LATENCY_KINDS = ("blackbox", "roofline")


@dataclass(frozen=True)
class ModelShape:
    """The numbers of a transformer that its step time depends on (engine.md 10.2)."""

    num_layers: int
    hidden_size: int
    num_heads: int
    num_kv_heads: int = 0  # 0: num_heads
    intermediate_size: int = 0  # 0: 4 x hidden_size
    bytes_per_param: float = 2.0
    vocab_size: int = 0  # not used
    head_dim: int = 0  # 0: hidden_size / num_heads
    experts: int = 0  # 0: dense
    experts_per_token: int = 0
    expert_intermediate_size: int = 0  # 0: intermediate_size

    def __post_init__(self) -> None:
        """Check sizes and that the experts make sense."""
        for key in ("num_layers", "hidden_size", "num_heads"):
            check_integer(f"roofline.model.{key}", getattr(self, key), 1, 2**31 - 1)
        others = ("num_kv_heads", "intermediate_size", "vocab_size", "head_dim", "experts", "experts_per_token")
        for key in (*others, "expert_intermediate_size"):
            check_integer(f"roofline.model.{key}", getattr(self, key), 0, 2**31 - 1)
        check_number("roofline.model.bytes_per_param", self.bytes_per_param, 0, 64, above=0)
        if not self.head_dim and self.hidden_size % self.num_heads:
            raise InputError("roofline.model: hidden_size is no multiple of num_heads; give head_dim")
        if bool(self.experts) != bool(self.experts_per_token) or self.experts_per_token > self.experts:
            raise InputError("roofline.model: give experts and 1 <= experts_per_token <= experts, or neither")


@dataclass(frozen=True)
class Hardware:
    """One GPU (engine.md 11.1)."""

    tflops_peak: float
    bw_peak_tbs: float
    bw_efficiency: float
    step_overhead_us: float
    per_layer_overhead_us: float
    mfu_prefill: float
    mfu_decode: float
    all_reduce_latency_us: float
    memory_gb: float = 0.0  # 0: unknown, then kv.blocks must be given

    def __post_init__(self) -> None:
        """Check rates are above zero, overheads not below."""
        for key in ("tflops_peak", "bw_peak_tbs", "bw_efficiency", "mfu_prefill", "mfu_decode"):
            check_number(f"roofline.hardware.{key}", getattr(self, key), 0, 1e9, above=0)
        for key in ("step_overhead_us", "per_layer_overhead_us", "all_reduce_latency_us", "memory_gb"):
            check_number(f"roofline.hardware.{key}", getattr(self, key), 0, 1e9)


@dataclass(frozen=True)
class Roofline:
    """What a roofline step time is computed from."""

    model: ModelShape
    hardware: Hardware
    memory_utilization: float = 0.9  # share of GPU memory for weights and KV cache, when kv.blocks is derived

    def __post_init__(self) -> None:
        """Check the share."""
        check_number("roofline.memory_utilization", self.memory_utilization, 0, 1, above=0)


@dataclass(frozen=True)
class LatencyModel:
    """Step latency. Both kinds: queueing = trunc(a0 + a1 I).

    blackbox: step = trunc(b0 + b1 X + b2 Y) (engine.md 10.1). roofline: engine.md 10.2 to 10.4; beta is empty.
    """

    kind: str = "blackbox"
    alpha: tuple[float, float, float] = (0.0, 0.0, 0.0)  # µs, µs a prompt token, µs an output token
    beta: tuple[float, ...] = (0.0, 0.0, 0.0)  # µs, µs a prefill token, µs a decode token
    model: str = ""
    gpu: str = ""
    tp: int = 0
    roofline: Roofline | None = None

    def __post_init__(self) -> None:
        """Check coefficients are finite, not negative, and not all zero (a model without latency)."""
        check_choice("latency_model.kind", self.kind, LATENCY_KINDS)
        check_integer("latency_model.tp", self.tp, 0, 4096)
        for key, values in (("alpha", self.alpha), ("beta", self.beta)):
            if len(values) != 3 and not (key == "beta" and self.kind == "roofline" and not values):
                raise InputError(f"latency_model.{key} must have 3 values, got {len(values)}")
            for position, value in enumerate(values):
                check_number(f"latency_model.{key}[{position}]", value, 0, 1e12)
        if self.kind == "roofline":
            self._check_roofline()
        elif self.roofline is not None:
            raise InputError("latency_model.roofline is for kind 'roofline'")
        elif not any(self.alpha) and not any(self.beta):
            raise InputError("latency_model: alpha and beta are all zero; give coefficients or model, gpu and tp")

    def _check_roofline(self) -> None:
        if any(self.beta):
            raise InputError("latency_model.beta is for kind 'blackbox'; a roofline has no coefficients of a step")
        if self.roofline is None or self.tp < 1:
            raise InputError("latency_model: a roofline needs model, hardware (gpu) and tp >= 1")


@dataclass(frozen=True)
class CacheTier:
    """A tier of the KV cache below the GPU."""

    blocks: int
    bandwidth_blocks_us: float
    base_latency_us: int


@dataclass(frozen=True)
class KV:
    """The KV cache of an instance. cpu_blocks > 0 adds a second tier (docs/policies.md section 6).

    offload_threshold is the original's and has no effect: blocks are written back when they are evicted.
    """

    blocks: int = 1_000_000
    block_size_tokens: int = 16
    cpu_blocks: int = 0
    offload_threshold: float = 0.9
    transfer_bandwidth: float = 100.0  # blocks a µs
    transfer_base_latency_us: int = 0

    def __post_init__(self) -> None:
        """Check sizes."""
        check_integer("kv.blocks", self.blocks, 1, 2**31 - 1)
        check_integer("kv.block_size_tokens", self.block_size_tokens, 1, 2**20)
        check_integer("kv.cpu_blocks", self.cpu_blocks, 0, 2**31 - 1)
        check_number("kv.offload_threshold", self.offload_threshold, 0, 1)
        check_number("kv.transfer_bandwidth", self.transfer_bandwidth, 1e-6, 1e12, above=0)
        check_integer("kv.transfer_base_latency_us", self.transfer_base_latency_us, 0, 10**12)

    @property
    def lower_tiers(self) -> tuple[CacheTier, ...]:
        """The tiers below the GPU, the nearest first."""
        if not self.cpu_blocks:
            return ()
        return (CacheTier(self.cpu_blocks, self.transfer_bandwidth, self.transfer_base_latency_us),)


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
    """One engine replica. `scheduler` and `priority` are names, with parameters of their own where they have any."""

    latency_model: LatencyModel
    kv: KV = field(default_factory=KV)
    batch: Batch = field(default_factory=Batch)
    scheduler: str = "fcfs"
    scheduler_parameters: dict[str, float] = field(default_factory=dict, hash=False)
    priority: str = "constant"
    priority_parameters: dict[str, float] = field(default_factory=dict, hash=False)
    preemption: str = "tail"

    def __post_init__(self) -> None:
        """Check template names and parameters."""
        SCHEDULERS.values(self.scheduler, self.scheduler_parameters)
        PRIORITIES.values(self.priority, self.priority_parameters)
        check_choice("preemption", self.preemption, PREEMPTIONS)
