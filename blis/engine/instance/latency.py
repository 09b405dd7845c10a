"""How long a step takes: from fitted coefficients (blackbox), or from operations and bytes (roofline).

Engine.md section 10 and docs/policies.md section 6. A step is a few whole numbers that batch formation has summed up;
a roofline turns them into operations and bytes in int64, exactly, and only then into seconds, by one expression of
doubles. So the result does not depend on the order of the batch.
"""

from __future__ import annotations

from blis.jit import kernel


@kernel
def step_us(config, engine, instance):
    """Duration of the step that has just been formed, in µs."""
    if engine.roofline:
        busy_s = _two_phases_s(engine, instance) if config.weights_twice else _one_pass_s(engine, instance)
        return int(busy_s * 1e6 + engine.layers_us + engine.all_reduce_us + engine.step_us + 0.5)
    return int(
        engine.step_us
        + engine.prefill_us_token * instance.step_prefill_tokens
        + engine.decode_us_token * instance.step_decode_tokens
    )


@kernel
def _one_pass_s(engine, instance):
    """Prefills and decodes together: all computing, or all moving, whichever takes longer."""
    tokens = instance.step_prefill_tokens + instance.step_decode_tokens
    if instance.step_prefills + instance.step_decode_tokens == 0:
        return 0.0
    context = instance.step_prefill_context + _decode_context(instance)
    return max(_prefill_s(engine, instance) + _decode_s(engine, instance), _memory_s(engine, tokens, context))


@kernel
def _two_phases_s(engine, instance):
    """Compat Q19b: one phase after the other, and each reads the weights."""
    busy_s = 0.0
    if instance.step_prefills > 0:
        memory_s = _memory_s(engine, instance.step_prefill_tokens, instance.step_prefill_context)
        busy_s = max(_prefill_s(engine, instance), memory_s)
    if instance.step_decode_tokens > 0:
        memory_s = _memory_s(engine, instance.step_decode_tokens, _decode_context(instance))
        busy_s += max(_decode_s(engine, instance), memory_s)
    return busy_s


@kernel
def _decode_context(instance):
    """Stored tokens of all decoding members before this step."""
    return instance.decode_base + instance.step_decode_tokens * (instance.steps + 1)


@kernel
def _prefill_s(engine, instance):
    """Computing time of the prefills."""
    tokens, pairs = instance.step_prefill_tokens, instance.step_prefill_pairs
    return 0.0 if tokens == 0 else _compute_s(engine, engine.prefill_flops_s, tokens, pairs)


@kernel
def _decode_s(engine, instance):
    """Computing time of the decodes: each token attends to all that its member has stored."""
    tokens = instance.step_decode_tokens
    return 0.0 if tokens == 0 else _compute_s(engine, engine.decode_flops_s, tokens, _decode_context(instance))


@kernel
def _compute_s(engine, flops_s, tokens, pairs):
    """Seconds one GPU computes for new tokens that attend to `pairs` tokens in all: matrices, then vectors."""
    flops = engine.token_flops * tokens + engine.pair_flops * pairs
    vector_flops = engine.token_vector_flops * tokens + engine.pair_vector_flops * pairs
    return flops / engine.tp / flops_s + vector_flops / engine.tp / engine.vector_flops_s


@kernel
def _memory_s(engine, tokens, context):
    """Seconds one GPU moves numbers in one pass: the weights that `tokens` reach, theirs, and the KV of `context`."""
    experts = min(engine.experts, engine.experts_per_token * tokens)
    values = engine.weights + engine.expert_weights * experts
    values += engine.token_values * tokens + engine.context_values * context
    return values * engine.value_bytes / engine.tp / engine.bytes_s
