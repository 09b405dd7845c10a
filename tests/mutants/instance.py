"""Faults in the instances: steps, leaps, batches, queues, and how long a step takes."""

from __future__ import annotations

from tests.mutants import Mutant

_STEP = "blis/engine/instance/step.py"
_LEAP = "blis/engine/instance/leap.py"
_BATCH = "blis/engine/instance/batch.py"
_QUEUE = "blis/engine/instance/queue.py"
_SERVICE = "blis/engine/instance/service.py"
_LATENCY = "blis/engine/instance/latency.py"
_HEAP = "blis/engine/instance/heap.py"
_OBSERVE = ("tests/blis/engine/test_observe.py",)
_TIER = ("tests/blis/engine/cache/test_tier.py",)
_ROOFLINE = ("tests/laws/test_roofline_equals_oracle.py",)
_ORACLE = ("tests/laws/test_engine_equals_oracle.py",)


def _tests(name: str) -> tuple[str, ...]:
    """The mirrored test of a module of the instances."""
    return (f"tests/blis/engine/instance/test_{name}.py",)


MUTANTS = (
    Mutant(
        _STEP,
        "if queued_us <= instance.step_us:",
        "if queued_us < instance.step_us:",
        _tests("step"),
        "who joins the queue at the start of a step is not seen by it",
    ),
    Mutant(
        _STEP,
        "if min(queued_us, instance.step_us) >= until_us:",
        "if min(queued_us, instance.step_us) > until_us:",
        _tests("step"),
        "whoever looks at an instant sees the instance's events of that instant",
    ),
    Mutant(
        _STEP,
        "until_us = min(until_us, w.config.horizon_us + 1)",
        "until_us = min(until_us, w.config.horizon_us)",
        _tests("step"),
        "a step that starts at the horizon does not run",
    ),
    Mutant(
        _STEP,
        "max(w.rows[r].output_tokens - 1, 0)",
        "w.rows[r].output_tokens",
        _tests("step"),
        "the last token, whose KV is not stored, must fit in the cache",
    ),
    Mutant(
        _STEP,
        "if blocks_for(tokens, w.config.block_tokens) > w.engines[i].blocks:",
        "if blocks_for(tokens, w.config.block_tokens) >= w.engines[i].blocks:",
        _tests("step"),
        "a request that just fits is dropped",
    ),
    Mutant(
        _STEP,
        "instance.step_us = max(now_us, instance.busy_until_us)",
        "instance.step_us = now_us",
        _tests("step"),
        "a step starts while the last one of the batch before still runs",
    ),
    Mutant(
        _STEP,
        "now_us if idle and w.config.idle_when_batch_empties else end_us",
        "now_us if idle else end_us",
        _tests("step"),
        "the compat rule for an emptied batch holds always",
    ),
    Mutant(
        _STEP,
        "if instance.batch_size == 0 and instance.evicted == 0:",
        "if instance.batch_size == 0:",
        _ORACLE,
        "a step that evicts all its members takes no time",
    ),
    Mutant(_STEP, " + instance.step_transfer_us", "", _TIER, "a step does not wait for its transfers"),
    Mutant(
        _STEP,
        "gap.gap_us = end_us - request.token_us",
        "gap.gap_us = end_us - request.first_token_us",
        _tests("step"),
        "the gap after an eviction begins with the first token",
    ),
    Mutant(
        _STEP,
        "instance.steps + max(w.rows[r].output_tokens, 1) - request.generated",
        "instance.steps + w.rows[r].output_tokens - request.generated",
        _tests("step"),
        "a request without outputs never ends",
    ),
    Mutant(
        _STEP,
        "request.ring = (instance.steps + 1 - stored) % w.config.block_tokens",
        "request.ring = (instance.steps - stored) % w.config.block_tokens",
        _tests("step"),
        "a decoding member takes its blocks one step early",
    ),
    Mutant(
        _STEP,
        "if end_us <= w.config.horizon_us:",
        "if end_us < w.config.horizon_us:",
        _tests("step"),
        "an end at the horizon lies beyond it",
    ),
    Mutant(
        _STEP,
        "w.cluster.cut = 1",
        "w.cluster.cut = 0",
        _OBSERVE,
        "an end beyond the horizon does not cut the run",
    ),
    Mutant(
        _STEP,
        "fill(w, i, r, (stored + 1) // w.config.block_tokens)",
        "fill(w, i, r, stored // w.config.block_tokens)",
        _ORACLE,
        "compat: the block that the last token fills is found by nobody",
    ),
    Mutant(
        _STEP,
        "instance.peak_blocks = max(instance.peak_blocks, instance.used_blocks)",
        "instance.peak_blocks = instance.used_blocks",
        _tests("step"),
        "the peak is what the latest step used",
    ),
    Mutant(
        _LEAP,
        "steps = w.finish[i, 0].key - instance.steps - 1",
        "steps = w.finish[i, 0].key - instance.steps",
        _tests("leap"),
        "a leap takes in the step that ends somebody",
    ),
    Mutant(
        _LEAP,
        "(until_us - instance.step_us + duration_us - 1) // duration_us",
        "(until_us - instance.step_us) // duration_us + 1",
        _tests("leap"),
        "a leap takes in the step that starts when somebody arrives",
    ),
    Mutant(
        _LEAP,
        "if admits or members > engine.budget_tokens or duration_us <= 0:",
        "if members > engine.budget_tokens or duration_us <= 0:",
        _tests("leap"),
        "a leap passes over an admission",
    ),
    Mutant(
        _LEAP,
        "if duration_us < THRASH_WINDOW_US and",
        "if duration_us < 0 and",
        _TIER,
        "all that leaves in a leap leaves at its start",
    ),
    Mutant(
        _LEAP,
        "(turns * (turns - 1) // 2)",
        "(turns * (turns + 1) // 2)",
        _tests("leap"),
        "the blocks of a turn are counted from its start",
    ),
    Mutant(
        _LEAP,
        "so_far += w.ring[i, (instance.steps + 1 + k) % turn]",
        "so_far += w.ring[i, (instance.steps + k) % turn]",
        _tests("leap"),
        "blocks of a turn are counted a step late",
    ),
    Mutant(
        _LEAP,
        "instance.queue_sum += instance.queue_depth * steps",
        "instance.queue_sum += instance.queue_depth",
        _tests("leap"),
        "who waits during a leap waits for one step of it",
    ),
    Mutant(
        _LEAP,
        "instance.used_blocks * steps + block_steps",
        "instance.used_blocks * steps",
        _tests("leap"),
        "blocks taken during a leap use no cache",
    ),
    Mutant(
        _LEAP,
        "max(instance.last_event_us, instance.step_us - duration_us)",
        "max(instance.last_event_us, instance.step_us)",
        _tests("leap"),
        "the end of a leap is an event, even beyond the horizon",
    ),
    Mutant(
        _LEAP,
        "row.first_step = instance.steps - steps + 1",
        "row.first_step = instance.steps",
        _tests("leap"),
        "the steps of a leap are logged as its last one",
    ),
    Mutant(
        _LEAP,
        "instance.first_ordered != NONE or engine.roofline:",
        "instance.first_ordered != NONE:",
        _tests("latency"),
        "steps of a roofline are taken for equal",
    ),
    Mutant(
        _LEAP,
        "if members == 0 or instance.first_ordered != NONE or",
        "if members == 0 or",
        _tests("leap"),
        "a leap passes over a prefill",
    ),
    Mutant(
        _BATCH,
        "if instance.evicted == 0:",
        "if instance.evicted >= 0:",
        _tests("batch"),
        "a step that evicts admits",
    ),
    Mutant(
        _BATCH,
        "w.order[member].victim < w.order[victim].victim",
        "w.order[member].victim > w.order[victim].victim",
        _tests("batch"),
        "the most urgent member is evicted first",
    ),
    Mutant(
        _BATCH,
        "engine.budget_tokens - (instance.batch_size - members) - tokens)",
        "engine.budget_tokens - (instance.batch_size - members))",
        _ORACLE,
        "the last prefill is thought to get the budget of those before it",
    ),
    Mutant(
        _BATCH,
        "take(w, i, w.ring[i, remainder] - crossing, now_us)",
        "take(w, i, w.ring[i, remainder], now_us)",
        _ORACLE,
        "blocks of ordered members that decode are taken twice",
    ),
    Mutant(
        _BATCH,
        "victim = instance.batch_tail",
        "victim = instance.batch_head",
        _tests("batch"),
        "the first member is evicted instead of the last",
    ),
    Mutant(
        _BATCH,
        "fill(w, i, r, (stored + tokens) // w.config.block_tokens)",
        "fill(w, i, r, blocks_for(stored + tokens, w.config.block_tokens))",
        _tests("batch"),
        "part-filled blocks are found by others",
    ),
    Mutant(
        _BATCH,
        "put(w, i, r, True)",
        "put(w, i, r, False)",
        _tests("batch"),
        "the evicted wait behind all others",
    ),
    Mutant(
        _BATCH,
        "request.generated = stored - w.rows[r].input_tokens + 1",
        "request.generated = stored - w.rows[r].input_tokens",
        _tests("batch"),
        "an eviction costs a token",
    ),
    Mutant(
        _BATCH,
        "(target if free_hit else target - 1)",
        "target",
        _tests("batch"),
        "a prompt that is cached whole costs nothing",
    ),
    Mutant(
        _BATCH,
        "engine.blocks - instance.used_blocks - cached_free:",
        "engine.blocks - instance.used_blocks - cached_free - 1:",
        _tests("batch"),
        "a block is kept free that nobody needs",
    ),
    Mutant(
        _BATCH,
        "w.config.free_full_hit and request.generated == 0",
        "w.config.free_full_hit",
        _ORACLE,
        "compat: an evicted request is resumed without computing anything",
    ),
    Mutant(
        _BATCH,
        "tokens = 1  # it costs nothing to compute, but takes its place in the budget",
        "tokens = 0",
        _ORACLE,
        "compat: free full hits leave no budget for those that run",
    ),
    Mutant(
        _BATCH, "0 if w.config.free_context else start", "start", _ROOFLINE, "compat: a roofline sees cached context"
    ),
    Mutant(
        _BATCH,
        "min(cached, prompt_blocks)",
        "cached",
        _ORACLE,
        "generated blocks that are found again count as prompt blocks",
    ),
    Mutant(
        _BATCH,
        "if request.scheduled_us == NONE or w.config.last_scheduling_delay:",
        "if request.scheduled_us == NONE or request.preemptions > 0:",
        _tests("batch"),
        "the delay is that of the last admission",
    ),
    Mutant(
        _BATCH,
        "tokens * context + tokens * (tokens - 1) // 2",
        "tokens * context + tokens * (tokens + 1) // 2",
        _ROOFLINE,
        "a new token attends to itself",
    ),
    Mutant(
        _BATCH,
        "outgrown = instance.batch_size == 0 and _outgrown(w, i, r)",
        "outgrown = _outgrown(w, i, r)",
        _ORACLE,
        "compat: who has outgrown the cache is dropped behind others",
    ),
    Mutant(
        _BATCH,
        "instance.batch_size < engine.max_running and budget > 0:",
        "instance.batch_size <= engine.max_running and budget > 0:",
        _tests("batch"),
        "a batch has one member too many",
    ),
    Mutant(
        _BATCH,
        "part = min(target_tokens(w, member) - request.computed, engine.chunk_tokens)",
        "part = target_tokens(w, member) - request.computed",
        _ORACLE,
        "a long prefill is thought to need blocks for all of its rest",
    ),
    Mutant(
        _QUEUE,
        "(tokens == fewest and w.waiting[i, position].key < w.waiting[i, best].key)",
        "(tokens == fewest)",
        _tests("service"),
        "of tenants that got as much the one that came last is served",
    ),
    Mutant(
        _QUEUE,
        "    if instance.first_ordered == r:\n        instance.first_ordered = request.batch_next",
        "    if instance.first_ordered == r:\n        instance.first_ordered = NONE",
        _tests("queue"),
        "who prefills behind a member that leaves is forgotten",
    ),
    Mutant(
        _SERVICE,
        "if service.charged_step <= steps:",
        "if service.charged_step <= steps + 1:",
        _tests("service"),
        "tokens of the step at hand count in it",
    ),
    Mutant(
        _SERVICE,
        "if service.charged_step < step:",
        "if service.charged_step <= step:",
        _tests("service"),
        "tokens of the step at hand count in it as soon as another prefill is charged",
    ),
    Mutant(
        _SERVICE,
        "if service.charged_step <= steps:",
        "if service.charged_step < steps:",
        _tests("service"),
        "tokens of a step count one step late",
    ),
    Mutant(
        _SERVICE,
        "service.tokens += w.rows[r].output_tokens > 0",
        "service.tokens += 1",
        _ORACLE,
        "a prefill without outputs counts for a token",
    ),
    Mutant(
        _SERVICE,
        "service.tokens += w.instances[i].steps - w.requests[r].base_step",
        "service.tokens += w.instances[i].steps - w.requests[r].base_step - 1",
        _tests("service"),
        "the last token of a request does not count",
    ),
    Mutant(
        _SERVICE,
        "service.decoding * steps - service.base_steps",
        "service.decoding * (steps + 1) - service.base_steps",
        _tests("service"),
        "tokens of the step at hand count for those who decode",
    ),
    Mutant(_LATENCY, " + 0.5)", ")", _tests("latency"), "a roofline's step is cut, not rounded"),
    Mutant(
        _LATENCY,
        "min(engine.experts, engine.experts_per_token * tokens)",
        "engine.experts",
        _tests("latency"),
        "one token reads all experts",
    ),
    Mutant(
        _HEAP,
        "(above.key == key and above.tie <= tie)",
        "(above.key == key and above.tie >= tie)",
        _tests("heap"),
        "equal keys come out in the wrong order",
    ),
    Mutant(
        _HEAP,
        "(right.key == left.key and right.tie < left.tie)",
        "False",
        _tests("heap"),
        "the left of two equal children rises whatever its tie",
    ),
)
