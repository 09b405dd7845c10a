"""Layers of a model's widths with random weights, in PyTorch: what an engine computes in a step, kernel by kernel.

Elementwise operations that an engine fuses are one kernel each that reads and writes as much: a layer norm stands for
the RMS norm, a product with a constant for the rotation of queries and keys.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812

from blis.errors import InputError
from experiments.gpu_steps.plan import Point
from experiments.gpu_steps.sizes import LayerSizes, Sizes
from experiments.gpu_steps.timer import gpu_us

#: What computes attention, for the record.
ATTENTION = "torch's flash attention over keys and values gathered from blocks before the clock starts"
BLOCK_TOKENS = 16
DEVICE = "cuda"
#: Compute capabilities with fp8 products, and those whose grouped products need no word from the host (torch 2.8 to
#: 2.12): anywhere else torch asks the GPU for the rows of each expert, which no graph can hold.
FP8_FROM, GROUPED_ON = (8, 9), (9, 10)


class Model:
    """Some layers of each kind, and the head; times steps of the whole model."""

    def __init__(self, sizes: Sizes, built: int) -> None:
        """Make the weights. built: layers of each kind."""
        check_supported(sizes)
        self._kinds = [(kind, [Layer(kind) for _ in range(built)]) for kind in sizes.kinds]
        self._head = Product(sizes.kinds[0].hidden, sizes.vocabulary)
        self._head_us = cache(self._time_head)

    def step_us(self, point: Point) -> float:
        """µs of a step: layers of each kind, as many times as the model has them, and the head of the members."""
        layers_us = sum(
            kind.number / len(layers) * self._time_layers(kind, layers, point) for kind, layers in self._kinds
        )
        return layers_us + self._head_us(point.prefills + point.decodes)

    def _time_layers(self, kind: LayerSizes, layers: list[Layer], point: Point) -> float:
        tokens = point.prefills * point.tokens + point.decodes
        attention, hidden = Attention(kind, point), _random(tokens, kind.hidden)

        def run() -> Any:
            rows = hidden
            for layer in layers:
                rows = layer(rows, attention)
            return rows

        found = gpu_us(run)
        torch.cuda.empty_cache()  # of one step's graph; the next one's is of another size
        return found

    def _time_head(self, members: int) -> float:
        rows = _random(members, self._kinds[0][0].hidden)
        return gpu_us(lambda: self._head(_normed(rows)).argmax(dim=1))


class Layer:
    """Attention, then an MLP that every token passes, experts, or both."""

    def __init__(self, sizes: LayerSizes) -> None:
        """Make the weights."""
        queries, keys = sizes.heads * sizes.head_dim, sizes.kv_heads * sizes.head_dim
        self._qkv = Product(sizes.hidden, queries + 2 * keys, sizes.attention_fp8)
        self._out = Product(queries, sizes.hidden, sizes.attention_fp8)
        self._parts: list[Any] = [Mlp(sizes)] if sizes.mlp else []
        self._parts += [Experts(sizes)] if sizes.experts else []

    def __call__(self, hidden: torch.Tensor, attention: Attention) -> torch.Tensor:
        """[tokens, hidden] from the same."""
        hidden = hidden + self._out(attention(self._qkv(_normed(hidden))))
        rows = _normed(hidden)
        for part in self._parts:
            hidden = hidden + part(rows)
        return hidden


class Product:
    """A matrix that rows are multiplied with, in bf16 or, rows as well, in fp8."""

    def __init__(self, inputs: int, outputs: int, fp8: bool = False) -> None:
        """Make the weights."""
        weight = _random(outputs, inputs) * inputs**-0.5
        self._weight = weight.to(torch.float8_e4m3fn) if fp8 else weight
        self._scale = torch.ones((), dtype=torch.float32, device=DEVICE) if fp8 else None

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        """[rows, outputs] from [rows, inputs]."""
        if self._scale is None:
            return F.linear(rows, self._weight)
        return torch._scaled_mm(
            rows.to(torch.float8_e4m3fn),
            self._weight.t(),
            scale_a=self._scale,
            scale_b=self._scale,
            out_dtype=torch.bfloat16,
        )


class Mlp:
    """Gate and up in one product, then down."""

    def __init__(self, sizes: LayerSizes) -> None:
        """Make the weights."""
        self._up = Product(sizes.hidden, 2 * sizes.mlp, sizes.mlp_fp8)
        self._down = Product(sizes.mlp, sizes.hidden, sizes.mlp_fp8)

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        """[tokens, hidden] from the same."""
        return self._down(_gated(self._up(rows)))


class Experts:
    """Each token goes to a few of them: rows are sorted by expert, multiplied group by group, and summed up."""

    def __init__(self, sizes: LayerSizes) -> None:
        """Make the weights."""
        self._chosen = sizes.experts_per_token
        self._router = Product(sizes.hidden, sizes.experts)
        self._up = _random(sizes.experts, 2 * sizes.expert_width, sizes.hidden).mul_(sizes.hidden**-0.5)
        self._down = _random(sizes.experts, sizes.hidden, sizes.expert_width).mul_(sizes.expert_width**-0.5)
        self._numbers = torch.arange(sizes.experts, device=DEVICE)

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        """[tokens, hidden] from the same."""
        shares, experts = torch.topk(torch.softmax(self._router(rows).float(), dim=1), self._chosen, dim=1)
        sorted_experts, places = torch.sort(experts.flatten())
        ends = torch.searchsorted(sorted_experts, self._numbers, right=True, out_int32=True)
        inner = _gated(grouped_product()(rows[places // self._chosen], self._up.transpose(1, 2), offs=ends))
        outer = grouped_product()(inner, self._down.transpose(1, 2), offs=ends)
        by_token = torch.empty_like(outer).index_copy_(0, places, outer).view(len(rows), self._chosen, -1)
        return (by_token * shares.to(torch.bfloat16).unsqueeze(2)).sum(dim=1)


class Attention:
    """Of a step: its prompts' rows first, then its decodes'."""

    def __init__(self, sizes: LayerSizes, point: Point) -> None:
        """Fill the KV of all members."""
        self._sizes = sizes
        width = (sizes.heads + sizes.kv_heads) * sizes.head_dim
        self._turn = _random(width)
        self._groups = []
        if point.prefills:
            self._groups.append(Group(sizes, point.prefills, point.tokens, point.context))
        if point.decodes:
            self._groups.append(Group(sizes, point.decodes, 1, point.decode_context))

    def __call__(self, qkv: torch.Tensor) -> torch.Tensor:
        """[tokens, heads x head_dim] from [tokens, (heads + 2 kv_heads) x head_dim]."""
        size = self._sizes
        turned = (qkv[:, : len(self._turn)] * self._turn).view(len(qkv), -1, size.head_dim)
        query, key = turned[:, : size.heads], turned[:, size.heads :]
        value = qkv[:, len(self._turn) :].view(len(qkv), -1, size.head_dim)
        found, begin = [], 0
        for group in self._groups:
            rows = slice(begin, begin + group.tokens)
            found.append(group.attend(query[rows], key[rows], value[rows]))
            begin = rows.stop
        return found[0] if len(found) == 1 else torch.cat(found)


class Group:
    """Members that are alike: new tokens of each, after stored ones in blocks that lie anywhere."""

    def __init__(self, sizes: LayerSizes, members: int, new_tokens: int, context: int) -> None:
        """Fill the cache and gather from it what members see."""
        self.tokens = members * new_tokens
        self._members = members
        total = context + new_tokens
        blocks = -(-total // BLOCK_TOKENS)
        table = torch.randperm(members * blocks, device=DEVICE).view(members, blocks)
        place = torch.arange(context, total, device=DEVICE)
        self._slots = (table[:, place // BLOCK_TOKENS] * BLOCK_TOKENS + place % BLOCK_TOKENS).flatten()
        self._caches = [_random(members * blocks * BLOCK_TOKENS, sizes.kv_heads, sizes.head_dim) for _ in range(2)]
        self._seen = [self._gathered(each, table, total) for each in self._caches]

    def attend(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        """[tokens, heads x head_dim] from [tokens, heads or kv_heads, head_dim]; what is new is stored, too."""
        for stored, new in zip(self._caches, (key, value), strict=True):
            stored.index_copy_(0, self._slots, new)
        new_tokens = self.tokens // self._members
        asked = query.unflatten(0, (self._members, new_tokens)).transpose(1, 2)
        keys, values = self._seen
        found = attend(asked, keys, values, causal=new_tokens > 1)
        return found.transpose(1, 2).reshape(self.tokens, -1)

    @staticmethod
    def _gathered(stored: torch.Tensor, table: torch.Tensor, total: int) -> torch.Tensor:
        """[members, kv_heads, total, head_dim] of a cache, in the order of tokens."""
        blocks = stored.unflatten(0, (-1, BLOCK_TOKENS))[table]  # [members, blocks, BLOCK_TOKENS, kv_heads, head_dim]
        return blocks.flatten(1, 2)[:, :total].transpose(1, 2)


def attend(query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, causal: bool) -> torch.Tensor:
    """[members, heads, new tokens, head_dim]; heads of the query may be more. The last query sees all keys.

    That is how the kernel means causal; the public function around it means that the first query sees the first key.
    """
    flash_attention = torch.ops.aten._scaled_dot_product_flash_attention
    return flash_attention(query, keys, values, dropout_p=0.0, is_causal=causal)[0]


def check_supported(sizes: Sizes) -> None:
    """Raise InputError for what this GPU or this PyTorch cannot do."""
    capability = torch.cuda.get_device_capability()
    if any(kind.attention_fp8 or kind.mlp_fp8 for kind in sizes.kinds) and capability < FP8_FROM:
        raise InputError(f"the GPU (compute capability {capability[0]}.{capability[1]}) has no fp8 products")
    if any(kind.experts for kind in sizes.kinds):
        if grouped_product() is None:
            raise InputError(f"PyTorch {torch.__version__} has no grouped products for experts; 2.8 has")
        if capability[0] not in GROUPED_ON:
            raise InputError(f"experts: PyTorch has no grouped products for compute capability {capability[0]}.x")


def grouped_product() -> Any:
    """Rows of each group times the group's matrix, by the name that this PyTorch has for it; None if it has none."""
    return getattr(F, "grouped_mm", None) or getattr(torch, "_grouped_mm", None)


def _random(*shape: int) -> torch.Tensor:
    """bf16 on the GPU; zeros would take less power, and so less time."""
    return torch.randn(*shape, dtype=torch.bfloat16, device=DEVICE)


def _normed(rows: torch.Tensor) -> torch.Tensor:
    return F.layer_norm(rows, rows.shape[1:])


def _gated(rows: torch.Tensor) -> torch.Tensor:
    gate, up = rows.chunk(2, dim=1)
    return F.silu(gate) * up
