"""Faults in prompts that other instances compute: who is asked, what is held, when KV is there, what it takes."""

from __future__ import annotations

from tests.mutants import Mutant

_TRANSFER = "blis/engine/instance/transfer.py"
_STEP = "blis/engine/instance/step.py"
_BATCH = "blis/engine/instance/batch.py"
_DECIDE = "blis/engine/gateway/decide.py"
_SIGNALS = "blis/engine/gateway/signals.py"
_FACTS = "blis/engine/gateway/facts.py"
_KV = "blis/engine/cache/kv.py"
_LAWS = "blis/evaluation/handover_laws.py"
_BY_HAND = ("tests/blis/engine/instance/test_transfer.py",)
_ORACLE = ("tests/laws/test_disaggregation.py",)
_BROKEN = ("tests/blis/evaluation/test_handover_laws.py",)

MUTANTS = (
    Mutant(
        _TRANSFER,
        "sender.link_us = max(sender.link_us, now_us) + moved_us",
        "sender.link_us = now_us + moved_us",
        _BY_HAND,
        "a link moves everything at once",
    ),
    Mutant(
        _TRANSFER,
        "(blocks * w.config.block_bytes + w.config.bytes_us - 1) // w.config.bytes_us",
        "blocks * w.config.block_bytes // w.config.bytes_us",
        _ORACLE,
        "a part of a microsecond is no time",
    ),
    Mutant(
        _TRANSFER,
        "_push(w, sender.link_us + w.config.link_latency_us, r)",
        "_push(w, sender.link_us, r)",
        _BY_HAND,
        "a transfer has no latency",
    ),
    Mutant(
        _TRANSFER,
        "count_prefill(instance.step, w.rows[r].input_tokens - 1, 1)",
        "count_prefill(instance.step, 0, w.rows[r].input_tokens)",
        _BY_HAND,
        "a prompt whose KV has come is computed again",
    ),
    Mutant(
        _TRANSFER,
        "            fill(w, i, r, request.computed // w.config.block_tokens)\n",
        "",
        _BY_HAND,
        "nobody finds KV that has come from elsewhere in the cache",
    ),
    Mutant(
        _TRANSFER,
        "if w.engines[w.requests[r].instance].schedules_ahead and instance.batch_size > 0:",
        "if w.engines[w.requests[r].instance].schedules_ahead and instance.batch_size < 0:",
        _BY_HAND,
        "a step that was chosen before the KV came has it",
    ),
    Mutant(
        _TRANSFER,
        "        take_out_transfer(w, row)\n        _push(w, now_us, row)\n",
        "        pass\n",
        _ORACLE,
        "KV that nobody wants any more is held",
    ),
    Mutant(
        _TRANSFER,
        "    _push(w, end_us + w.config.hold_us, row)\n",
        "    _push(w, end_us + 2 * w.config.hold_us, row)\n",
        _BY_HAND,
        "KV is held for too long",
    ),
    Mutant(
        _TRANSFER,
        "end_us + queueing_us(w, request.instance, r)",
        "end_us",
        _BY_HAND,
        "a request is handed over at once",
    ),
    Mutant(_TRANSFER, "HANDED + r, r)", "r, r)", _ORACLE, "who is handed over goes before whom the router sends"),
    Mutant(
        _STEP,
        "        hand_over(w, r, now_us, LOCAL)\n",
        "        hand_over(w, r, now_us, REMOTE)\n",
        _BY_HAND,
        "KV that was never computed is waited for",
    ),
    Mutant(
        _BATCH, "tokens = target - start if remote else", "tokens =", _ORACLE, "KV comes into blocks it has not got"
    ),
    Mutant(
        _BATCH,
        "    if instance.arrived > 0:\n        budget = admit_arrived(w, i, now_us, places, budget)\n",
        "",
        _BY_HAND,
        "whoever's KV has come waits for ever",
    ),
    Mutant(
        _DECIDE,
        "if w.rows[r].input_tokens - cached_tokens < w.config.uncached_tokens:",
        "if w.rows[r].input_tokens < w.config.uncached_tokens:",
        _BY_HAND,
        "what is cached is prefilled elsewhere",
    ),
    Mutant(
        _DECIDE,
        "NONE if helper == target else helper, now_us)",
        "helper, now_us)",
        _BY_HAND,
        "an instance sends KV to itself",
    ),
    Mutant(
        _FACTS,
        "w.ask.turn = w.cluster.turn if profile == DECODE_PROFILE else w.cluster.prefill_turn",
        "w.ask.turn = w.cluster.turn",
        _ORACLE,
        "prefills take the turns of all requests",
    ),
    Mutant(
        _FACTS,
        "fits = w.engines[i].roles & role > 0",
        "fits = w.engines[i].roles > 0",
        _BY_HAND,
        "any instance does anything",
    ),
    Mutant(
        _SIGNALS,
        "return i, min(until_us, max(soonest_other_us(w.agenda, i), now_us + 1))",
        "return i, until_us",
        _ORACLE,
        "an instance does not wait for what another hands over",
    ),
    Mutant(
        _KV,
        "            held = max(held, _deepest_holder(w, entry, instance.exporting.head))\n",
        "            pass\n",
        _ORACLE,
        "blocks that are held for others are free",
    ),
    Mutant(
        _LAWS,
        "asked & (moved.blocks != lacked)",
        "asked & (moved.blocks > lacked)",
        _BROKEN,
        "too few blocks are moved, and nobody says so",
    ),
    Mutant(
        _LAWS,
        "asked & (result.scheduled_us >= 0) & ~_after(result, moved)",
        "asked & (result.scheduled_us < 0) & ~_after(result, moved)",
        _BROKEN,
        "who generates without KV is not told",
    ),
    Mutant(
        "blis/engine/gateway/prefills.py",
        "        take_out_transfer(w, r)\n        _wait_anew(w, r, now_us)\n",
        "        w.requests[r].kv = LOCAL\n",
        ("tests/blis/engine/gateway/test_prefills.py",),
        "KV comes from an instance that has failed",
    ),
    Mutant(
        "blis/engine/gateway/prefills.py",
        "        abort(w, i, row, ABANDONED)\n        w.instances[i].abandoned += 1\n",
        "        prefill.status = ABANDONED\n        w.instances[i].abandoned += 1\n",
        ("tests/blis/engine/gateway/test_prefills.py",),
        "prompts of those whose instance has failed are computed all the same",
    ),
    Mutant(
        "blis/engine/gateway/decide.py",
        "    if helper != NONE and not instance.down:\n",
        "    if helper != NONE:\n",
        ("tests/blis/engine/gateway/test_prefills.py",),
        "a prompt is computed for whoever is refused where it generates",
    ),
)
