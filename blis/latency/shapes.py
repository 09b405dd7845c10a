"""What a roofline is computed from: a transformer, a GPU, and how much of it may be used."""

from __future__ import annotations

from dataclasses import dataclass

from blis.errors import InputError, check_integer, check_number


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
