"""What a roofline is computed from: a transformer, a GPU, and how much of it may be used."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields

from blis.errors import InputError, check_choice, check_integer, check_number

#: Arithmetic that a GPU may have units for; matrices whose numbers are smaller than two bytes may run at its rate.
MATHS = ("bf16", "fp8", "int8", "fp4")


@dataclass(frozen=True)
class ModelShape:
    """The numbers of a transformer that its step time depends on (docs/policies.md section 6).

    Layers are alike but for `dense_layers` that have no experts and `sliding_layers` that look back over a window.
    With `kv_latent` heads share one latent vector a token and layer (MLA), and `head_dim` is not looked at.
    """

    num_layers: int
    hidden_size: int
    num_heads: int
    num_kv_heads: int = 0  # 0: num_heads
    intermediate_size: int = 0  # 0: 4 x hidden_size
    bytes_per_param: float = 2.0  # of the matrices of the layers, scales of groups included
    vocab_size: int = 0
    head_dim: int = 0  # 0: hidden_size / num_heads
    experts: int = 0  # 0: dense
    experts_per_token: int = 0
    expert_intermediate_size: int = 0  # 0: intermediate_size
    shared_intermediate_size: int = 0  # of the experts, taken together, that every token passes
    dense_layers: int = 0
    sliding_layers: int = 0
    sliding_window: int = 0  # tokens
    kv_latent: int = 0  # width of the latent vector; 0: keys and values are stored
    q_latent: int = 0  # 0: queries come from the hidden vector
    rope_head_dim: int = 0  # the part of a key that all heads share beside the latent vector
    nope_head_dim: int = 0  # the rest of a key
    v_head_dim: int = 0
    tied_embeddings: bool = False  # embedding and head are one matrix
    attention_bytes_per_param: float = 0.0  # 0: bytes_per_param
    expert_bytes_per_param: float = 0.0  # 0: bytes_per_param
    head_bytes_per_param: float = 0.0  # embedding, head and router; 0: bytes_per_param, at least 2
    kv_bytes_per_value: float = 0.0  # of a number in the KV cache; 0: bytes_per_param, at least 2
    math: str = "bf16"  # what matrices of less than two bytes a number are multiplied in

    def __post_init__(self) -> None:
        """Check sizes, and that experts, windows and latent vectors make sense."""
        for each in fields(self):
            key, value = f"roofline.model.{each.name}", getattr(self, each.name)
            if each.type == "int":
                check_integer(key, value, 1 if each.default is MISSING else 0, 2**31 - 1)
            elif each.type == "float":
                check_number(key, value, 0, 64)
        check_number("roofline.model.bytes_per_param", self.bytes_per_param, 0, 64, above=0)
        check_choice("roofline.model.math", self.math, MATHS)
        self._check_attention()
        if bool(self.experts) != bool(self.experts_per_token) or self.experts_per_token > self.experts:
            raise InputError("roofline.model: give experts and 1 <= experts_per_token <= experts, or neither")
        for key in ("shared_intermediate_size", "dense_layers"):
            if getattr(self, key) and not self.experts:
                raise InputError(f"roofline.model: {key} is for a model with experts")

    def _check_attention(self) -> None:
        if not self.kv_latent and not self.head_dim and self.hidden_size % self.num_heads:
            raise InputError("roofline.model: hidden_size is no multiple of num_heads; give head_dim")
        if self.kv_latent and not (self.nope_head_dim and self.v_head_dim):
            raise InputError("roofline.model: kv_latent needs nope_head_dim and v_head_dim")
        for key in ("dense_layers", "sliding_layers"):
            if getattr(self, key) > self.num_layers:
                raise InputError(f"roofline.model: {key} must not exceed num_layers")
        if bool(self.sliding_layers) != bool(self.sliding_window):
            raise InputError("roofline.model: give sliding_layers and sliding_window, or neither")


@dataclass(frozen=True)
class Hardware:
    """One GPU: peaks, and the shares of them that are reached (docs/policies.md section 6).

    bw_efficiency to all_reduce_latency_us belong to `roofline-original`; their defaults are the original's for every
    GPU that it has. The others are the roofline's.
    """

    tflops_peak: float  # dense bf16
    bw_peak_tbs: float
    bw_efficiency: float = 0.72
    step_overhead_us: float = 500.0
    per_layer_overhead_us: float = 20.0
    mfu_prefill: float = 0.65
    mfu_decode: float = 0.12
    all_reduce_latency_us: float = 20.0
    memory_gb: float = 0.0  # 0: unknown, then kv.blocks must be given
    fp8_tflops: float = 0.0  # 0: no units for it, it runs at the rate of bf16
    int8_tflops: float = 0.0
    fp4_tflops: float = 0.0
    matmul_share: float = 0.7  # of the peak, in a large matrix product
    read_share: float = 0.9  # of the peak, in reading what lies in a row
    link_gbs: float = 32.0  # to another GPU, one direction; default: PCIe 4.0 x16
    link_share: float = 0.25  # default: NCCL without direct access to the other GPU's memory
    link_latency_us: float = 40.0  # of an all-reduce of nothing; the same default

    def __post_init__(self) -> None:
        """Check rates are above zero, overheads not below."""
        rates = ("tflops_peak", "bw_peak_tbs", "bw_efficiency", "mfu_prefill", "mfu_decode")
        for key in (*rates, "matmul_share", "read_share", "link_gbs", "link_share"):
            check_number(f"roofline.hardware.{key}", getattr(self, key), 0, 1e9, above=0)
        others = ("step_overhead_us", "per_layer_overhead_us", "all_reduce_latency_us", "memory_gb")
        for key in (*others, "fp8_tflops", "int8_tflops", "fp4_tflops", "link_latency_us"):
            check_number(f"roofline.hardware.{key}", getattr(self, key), 0, 1e9)

    def flops_s(self, math: str) -> float:
        """Peak rate in some arithmetic."""
        peaks = {"fp8": self.fp8_tflops, "int8": self.int8_tflops, "fp4": self.fp4_tflops}
        return (peaks.get(math) or self.tflops_peak) * 1e12


@dataclass(frozen=True)
class Roofline:
    """What a roofline step time is computed from."""

    model: ModelShape
    hardware: Hardware
    memory_utilization: float = 0.9  # share of GPU memory for weights and KV cache, when kv.blocks is derived
    kv_bytes_per_value: float = 0.0  # of a number in the KV cache; 0: as the model has it
    data_parallel: int = 1  # instances like this one that spread one set of experts over all their GPUs
    expert_parallel: bool = False  # experts stay whole, so that the busiest GPU sets the pace

    def __post_init__(self) -> None:
        """Check the shares, and that there are experts to spread."""
        check_number("roofline.memory_utilization", self.memory_utilization, 0, 1, above=0)
        check_number("roofline.kv_bytes_per_value", self.kv_bytes_per_value, 0, 64)
        check_integer("roofline.data_parallel", self.data_parallel, 1, 4096)
        for key, given in (("data_parallel", self.data_parallel > 1), ("expert_parallel", self.expert_parallel)):
            if given and not self.model.experts:
                raise InputError(f"roofline.{key} is for a model with experts")
