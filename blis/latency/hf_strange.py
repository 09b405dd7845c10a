"""What of a `config.json` is not understood: models of another build, and keys that ask for other layers or sizes.

A model whose layers differ need not say so in its file, so that only builds are read that were looked at: those of
transformers 5.24 and vLLM 0.19.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from blis.errors import InputError, in_short, unknown_name

#: Types of models whose layers are attention and an MLP of three matrices, or experts of such, as wide as keys say.
UNDERSTOOD = (
    *("cohere", "cohere2", "cwm", "deepseek_v2", "deepseek_v3", "ernie4_5", "exaone4", "gemma", "gemma2"),
    *("gemma3", "gemma3_text", "glm", "glm4", "glm4_moe", "glm4v_text", "gpt_oss", "granite", "granitemoe"),
    *("granitemoeshared", "helium", "internlm2", "kimi_k2", "llama", "ministral", "ministral3"),
    *("mistral", "mixtral", "olmo", "olmo2", "olmo3", "olmoe", "phi3", "phimoe", "qwen2", "qwen2_5_vl"),
    *("qwen2_5_vl_text", "qwen2_moe", "qwen2_vl", "qwen2_vl_text", "qwen3", "qwen3_moe", "qwen3_vl_moe_text"),
    *("qwen3_vl_text", "seed_oss", "smollm3", "solar_open", "stablelm"),
)

#: Parts of a key's name that speak of layers that are not computed like those of a plain transformer …
_STRANGE = re.compile(
    r"expert|moe|latent|lora_rank|mamba|ssm|state_size|rwkv|recurrent|linear_|conv|hybrid|sparse|index_|chunk|compress"
    r"|block_type|block_config|layer_type|layers_type|attn_type|attn_layer|cross_attention|window|share_kv|kv_shared"
    r"|ffn_config|attn_config|altup|per_layer|every_n|multi_query|k_eq_v|double_wide|cycles|ut_steps"
)

#: … and of sizes, which numbers and lists give …
_SIZE = re.compile(r"heads?(_|$)|head_dim|head_size|kv_|hidden_size|intermediate|ffn|mlp|layers?$|_dim$|_rank$|width")

#: … and keys with such a name that change no shape: those of other parts of the model, of rotations, of a further
#: layer that predicts tokens, sums of sizes that are given one by one.
_HARMLESS = re.compile(
    r"moe_(router|aux|z_loss|dropout|implementation|renormalize).*|.*chunk_size_feed_forward|use_sliding_window"
    r"|max_window_layers|.*moe_layer_type|original_.*|(vision|visual|image|audio|video|mm|multimodal|projector)_.*"
    r"|no_rope_.*|rope_.*|rotary_.*|num_nextn_predict_layers|qk_head_dim|.*_bias|pruned_heads"
)

_GATED = ("silu", "swish", "swiglu", "gelu", "gelu_tanh", "gelu_pytorch_tanh", "geglu")


def refuse_strange(config: Mapping[str, Any], known: Collection[str]) -> None:
    """Raise InputError for a key beside the known ones that asks for other layers, and for a model of another build."""
    for key, value in config.items():
        plain = key in known or _HARMLESS.fullmatch(key)
        if not plain and _says_something(key, value, config.get("num_hidden_layers")):
            raise InputError(f"key {key!r} ({in_short(value)}) is not understood; describe the model as roofline.model")
    family, act = config.get("model_type"), config.get("hidden_act") or config.get("hidden_activation")
    if not family:
        raise InputError("missing key model_type")
    if family not in UNDERSTOOD:
        raise InputError(
            f"model_type {in_short(family)} is not understood; describe the model as roofline.model"
            f" (understood are {', '.join(UNDERSTOOD)})"
        )
    if act is not None and act not in _GATED:
        raise unknown_name("hidden_act", act, _GATED)


def _says_something(key: str, value: object, layers: object) -> bool:
    """Whether a key asks for other layers: sizes, names and lists do, switched-off parts and rates do not."""
    if not value or isinstance(value, float):
        return False
    if isinstance(value, list) and len(value) == layers:
        return True
    return bool(_STRANGE.search(key) or (_SIZE.search(key) and not isinstance(value, bool | str)))
