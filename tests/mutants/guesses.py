"""Faults in tokens that are guessed ahead: what holds, what it costs, what it takes, who sees it."""

from __future__ import annotations

from tests.mutants import Mutant

_DRAFTS = "blis/engine/instance/drafts.py"
_BATCH = "blis/engine/instance/batch.py"
_STEP = "blis/engine/instance/step.py"
_KV = "blis/engine/cache/kv.py"
_BOUNDARY = "blis/engine/boundary.py"
_LAWS = "blis/evaluation/law_kernels.py"
_BY_HAND = ("tests/blis/engine/instance/test_drafts.py",)
_ORACLE = ("tests/laws/test_speculative.py",)
_BROKEN = ("tests/blis/evaluation/test_law_kernels.py",)

MUTANTS = (
    Mutant(
        _DRAFTS,
        "chance < w.accepts[i, count]",
        "chance < w.accepts[i, 0]",
        _ORACLE,
        "all drafts hold where the first one does",
    ),
    Mutant(
        _DRAFTS,
        "chance = _uniform(w.rows[r].uniform, generated)",
        "chance = _uniform(w.rows[r].uniform, w.instances[i].steps)",
        _ORACLE,
        "what holds depends on the step, not on the text",
    ),
    Mutant(
        _DRAFTS,
        "    instance.decode_base += tokens - 1\n",
        "",
        _ORACLE,
        "the context of who decodes grows by one token a step",
    ),
    Mutant(
        _DRAFTS,
        "        service.base_steps += 1\n",
        "",
        _BY_HAND,
        "a tenant is charged for tokens and for steps",
    ),
    Mutant(
        _DRAFTS,
        "tokens = min(1 + accepted(w, i, r, request.generated), most)",
        "tokens = 1 + accepted(w, i, r, request.generated)",
        _BY_HAND,
        "drafts go on behind the end of an answer",
    ),
    Mutant(
        _BATCH,
        "            request.computed = stored + 1 + engine.drafts\n",
        "            request.computed = stored + 1\n",
        _ORACLE,
        "room for drafts is taken and forgotten",
    ),
    Mutant(
        _BATCH,
        "        instance.step.drafts += engine.drafts\n",
        "",
        _BY_HAND,
        "drafts cost nothing",
    ),
    Mutant(
        _STEP,
        "    tokens += w.engines[i].drafts\n",
        "",
        _BY_HAND,
        "who fits without its drafts is let in",
    ),
    Mutant(
        _KV,
        "full = (tokens + 1 - request.latest) // w.config.block_tokens",
        "full = tokens // w.config.block_tokens",
        _ORACLE,
        "what held in the last step is found in the cache",
    ),
    Mutant(
        _BOUNDARY,
        "        instance.next_tokens -= request.latest\n",
        "        instance.next_tokens -= 1\n",
        _ORACLE,
        "of a step behind the horizon one token is taken back",
    ),
    Mutant(
        _LAWS,
        "guessed < sums[i, HELD] or ",
        "",
        _BROKEN,
        "an instance may give out more drafts than it guessed",
    ),
    Mutant(
        _LAWS,
        "max(run.output_tokens[r], 1) - 1 - accepted)",
        "max(run.output_tokens[r], 1) - 1)",
        _BY_HAND,
        "a run with drafts breaks the law of gaps",
    ),
)
