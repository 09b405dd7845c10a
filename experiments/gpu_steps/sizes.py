"""What one of `tp` GPUs has of a model; parts that cannot be timed are refused by name."""

from __future__ import annotations

from typing import NamedTuple

from blis.errors import InputError
from blis.latency.shapes import ModelShape
from blis.latency.sizes import value_bytes, widths

#: Of all weights and KV that are built, at most this share of the GPU's memory each.
WEIGHT_SHARE, KV_SHARE = 0.5, 0.1
#: Layers of each kind that are built where there is room, and more if they take less than that: none must find its
#: weights in the GPU's caches.
USUALLY_BUILT, LEAST_BYTES = 4, 2**29


class LayerSizes(NamedTuple):
    """Layers that are alike, as wide as one GPU has them."""

    number: int  # of them in the model
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    mlp: int = 0  # width of the MLP that every token passes; 0: none
    experts: int = 0
    experts_per_token: int = 0
    expert_width: int = 0
    attention_fp8: bool = False
    mlp_fp8: bool = False

    @property
    def weight_bytes(self) -> int:
        """Of one layer."""
        attention = self.hidden * self.head_dim * 2 * (self.heads + self.kv_heads)
        mlp, experts = 3 * self.hidden * self.mlp, self.experts * self.hidden * (3 * self.expert_width + 1)
        return attention * (2 - self.attention_fp8) + mlp * (2 - self.mlp_fp8) + 2 * experts

    @property
    def kv_bytes(self) -> int:
        """Of a token in one layer."""
        return 2 * 2 * self.kv_heads * self.head_dim


class Sizes(NamedTuple):
    """All that is built: layers of each kind, and the head."""

    kinds: tuple[LayerSizes, ...]
    vocabulary: int

    def built(self, memory_bytes: int) -> int:
        """Layers of each kind that fit into a GPU. Raises InputError if not even one does."""
        head = 2 * self.vocabulary * self.kinds[0].hidden
        room = int(WEIGHT_SHARE * memory_bytes) - head
        one_of_each = sum(kind.weight_bytes for kind in self.kinds)
        if one_of_each > room:
            raise InputError(f"a layer and the head take more than {WEIGHT_SHARE:g} of the GPU's memory; raise --tp")
        return min(room // one_of_each, max(USUALLY_BUILT, -(-LEAST_BYTES // one_of_each)))

    def most_kv_tokens(self, memory_bytes: int) -> int:
        """Tokens of KV that a step may hold; one layer's lies in memory, scattered in blocks and gathered."""
        return int(KV_SHARE * memory_bytes) // self.kinds[0].kv_bytes


def sizes(model: ModelShape, tp: int) -> Sizes:
    """What is built of a model. Raises InputError naming what cannot be timed, or not be shared by `tp` GPUs."""
    _refuse(model)
    width = widths(model)
    common = LayerSizes(
        number=0,
        hidden=model.hidden_size,
        heads=_share("num_heads", model.num_heads, tp),
        kv_heads=_share("num_kv_heads", max(model.num_kv_heads or model.num_heads, tp), tp),
        head_dim=model.head_dim or model.hidden_size // model.num_heads,
        attention_fp8=_is_fp8(model, "attention", width.attention),
        mlp_fp8=_is_fp8(model, "MLP", width.mlp),
    )
    mlp = model.intermediate_size or 4 * model.hidden_size
    dense = model.dense_layers if model.experts else model.num_layers
    kinds = []
    if dense:
        kinds.append(common._replace(number=dense, mlp=_share("intermediate_size", mlp, tp)))
    if dense < model.num_layers:
        kinds.append(_with_experts(model, tp, common._replace(number=model.num_layers - dense), mlp))
    return Sizes(tuple(kinds), -(-model.vocab_size // tp))


def _with_experts(model: ModelShape, tp: int, common: LayerSizes, mlp: int) -> LayerSizes:
    each = widths(model).expert
    if each != 2:
        raise InputError(f"experts of {each:g} bytes a number cannot be timed: their grouped product is for bf16 only")
    expert = model.expert_intermediate_size or mlp
    return common._replace(
        mlp=_share("shared_intermediate_size", model.shared_intermediate_size, tp),
        experts=model.experts,
        experts_per_token=model.experts_per_token,
        expert_width=_share("expert_intermediate_size", expert, tp),
    )


def _refuse(model: ModelShape) -> None:
    for key in ("kv_latent", "sliding_window"):
        if getattr(model, key):
            raise InputError(f"a model with {key} cannot be timed: only attention over whole keys and values is built")
    if not model.vocab_size:
        raise InputError("the model needs vocab_size: the head is timed, too")
    for part, each in (("KV", value_bytes(model)), ("a head", widths(model).head)):
        if each != 2:
            raise InputError(f"{part} of {each:g} bytes a number cannot be timed, only bf16")


def _is_fp8(model: ModelShape, part: str, each: float) -> bool:
    """Whether a part's matrices are fp8 instead of bf16; any other width is refused."""
    if each == 2:
        return False
    if 1 <= each < 1.1 and model.math == "fp8":
        return True
    raise InputError(f"{part} of {each:g} bytes a number ({model.math}) cannot be timed, only bf16 and fp8")


def _share(key: str, whole: int, tp: int) -> int:
    if whole % tp:
        raise InputError(f"--tp {tp}: {key} {whole} of the model is no multiple of it")
    return whole // tp
