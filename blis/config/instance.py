"""One engine replica: latency model, KV cache, batch limits, wait queue."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from blis.config.compat import Compat
from blis.config.drafter import MAX_DRAFTS, Drafter
from blis.config.engine import Engine
from blis.config.lora import Lora
from blis.errors import InputError, check_choice, check_integer, check_number
from blis.latency.fitted import Fitted
from blis.latency.registry import LATENCY
from blis.latency.shapes import Roofline
from blis.policies.priority import PRIORITIES
from blis.policies.schedulers import SCHEDULERS

PREEMPTIONS = ("tail", "priority")


@dataclass(frozen=True)
class LatencyModel:
    """Step latency (engine.md 10). All kinds: queueing = trunc(a0 + a1 I); `LATENCY` says which numbers each has."""

    kind: str = "blackbox"
    alpha: tuple[float, float, float] = (0.0, 0.0, 0.0)  # µs, µs a prompt token, µs an output token
    beta: tuple[float, ...] = (0.0, 0.0, 0.0)  # blackbox: µs, µs a prefill token, µs a decode token
    model: str = ""
    gpu: str = ""
    tp: int = 0
    roofline: Roofline | None = None
    parameters: dict[str, float] | None = field(default=None, hash=False)  # of kind linear, and of kinds not ours
    factor: float = 1.0  # every time is so much longer
    fitted: Fitted | None = None  # where `parameters` come from, if `blis fit` found them
    ensemble: int = 0  # members that a search simulates instead of the model itself; 0 = none
    allow_implausible: bool = False  # also where steps are faster than the GPUs can be

    def __post_init__(self) -> None:
        """Check that coefficients are finite and not negative, and that the kind has what it needs and no more."""
        check_choice("latency_model.kind", self.kind, LATENCY)
        check_integer("latency_model.tp", self.tp, 0, 4096)
        if len(self.alpha) != 3:
            raise InputError(f"latency_model.alpha must have 3 values, got {len(self.alpha)}")
        for key, values in (("alpha", self.alpha), ("beta", self.beta)):
            for position, value in enumerate(values):
                check_number(f"latency_model.{key}[{position}]", value, 0, 1e12)
        check_number("latency_model.factor", self.factor, 1e-6, 1e6)
        check_integer("latency_model.ensemble", self.ensemble, 0, 1024)
        LATENCY.parameters(self, Compat())
        for draw in self.fitted.draws if self.fitted else ():
            LATENCY.values(self.kind, draw)

    def under(self, compat: Compat) -> LatencyModel:
        """The model that is meant: the original has one kind of roofline."""
        original = compat.original_roofline and self.kind == "roofline"
        return replace(self, kind="roofline-original") if original else self


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
    speculative_tokens: int = 0  # guessed for each request that decodes, a step; 0 = off

    def __post_init__(self) -> None:
        """Check limits (engine.md Q28)."""
        check_integer("batch.max_running", self.max_running, 1, 2**31 - 1)
        check_integer("batch.max_scheduled_tokens", self.max_scheduled_tokens, 1, 2**31 - 1)
        check_integer("batch.long_prefill_threshold", self.long_prefill_threshold, 0, 2**31 - 1)
        check_integer("batch.speculative_tokens", self.speculative_tokens, 0, MAX_DRAFTS)
        if self.speculative_tokens >= self.max_scheduled_tokens:
            raise InputError(
                f"batch.speculative_tokens {self.speculative_tokens} and the token before them do not go into"
                f" batch.max_scheduled_tokens {self.max_scheduled_tokens}"
            )

    @property
    def most_running(self) -> int:
        """`max_running`, or as many as there are tokens for, with drafts, if all of them decode."""
        if not self.speculative_tokens:
            return self.max_running
        return min(self.max_running, self.max_scheduled_tokens // (1 + self.speculative_tokens))


@dataclass(frozen=True)
class Instance:
    """One engine replica. `scheduler` and `priority` are names, with parameters of their own where they have any."""

    latency_model: LatencyModel
    kv: KV = field(default_factory=KV)
    batch: Batch = field(default_factory=Batch)
    engine: Engine = field(default_factory=Engine)
    drafter: Drafter = field(default_factory=Drafter)
    lora: Lora = field(default_factory=Lora)
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
        self.drafter.check(self.batch.speculative_tokens)
        if self.batch.speculative_tokens and self.latency_model.kind == "roofline-original":
            raise InputError("batch.speculative_tokens: kind 'roofline-original' does not know draft tokens")
