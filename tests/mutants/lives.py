"""Faults in the lives of instances: who is lost, what stays behind, what the router believes, who is sent again."""

from __future__ import annotations

from tests.mutants import Mutant

_LIFE = "blis/engine/instance/life.py"
_LIVES = "blis/engine/gateway/lives.py"
_BUILD = "blis/engine/build/lives.py"
_STEP = "blis/engine/instance/step.py"
_BY_HAND = ("tests/blis/engine/gateway/test_lives.py",)
_SETTLED = ("tests/blis/engine/build/test_lives.py",)
_ORACLE = ("tests/laws/test_failures.py",)

MUTANTS = (
    Mutant(
        _STEP,
        "if end_us >= instance.fails_us:",
        "if end_us > instance.fails_us:",
        _BY_HAND,
        "what ends when the instance fails has ended",
    ),
    Mutant(
        _LIFE,
        "request.last_step = instance.steps - broken_off",
        "request.last_step = instance.steps",
        _BY_HAND,
        "the step that is broken off gives tokens",
    ),
    Mutant(_LIFE, "    clear_nodes(w, i)\n", "", _BY_HAND, "caches are warm after a failure"),
    Mutant(
        _LIFE,
        "        note_change(w, i, s)\n",
        "        pass\n",
        _BY_HAND,
        "an old reading of the cache shows that of the instance that is back",
    ),
    Mutant(_LIFE, "        _clear_tier(w, i)\n", "        pass\n", _ORACLE, "the lower tier outlives a failure"),
    Mutant(
        _LIVES,
        "if turn.kind == SERVES and lacks_run(w):",
        "if turn.kind == SERVES and False:",
        ("tests/blis/engine/instance/test_life.py",),
        "an instance serves again without room for its blocks",
    ),
    Mutant(_LIVES, "        look_soon(w, now_us)\n", "        pass\n", _ORACLE, "a gateway does not see a failure"),
    Mutant(_LIVES, "        clear_index(w, i)\n", "        pass\n", _ORACLE, "the router remembers what the dead had"),
    Mutant(
        _LIVES, "        _forget_gaps(w, r)\n", "        pass\n", _ORACLE, "gaps of an attempt that failed are counted"
    ),
    Mutant(
        _LIVES,
        "(w.config.backoff_us << sent_before(w, r))",
        "w.config.backoff_us",
        _BY_HAND,
        "every pause before a retry is the same",
    ),
    Mutant(_LIVES, "    w.cluster.saved -= 1.0\n", "", _BY_HAND, "retries cost nothing"),
    Mutant(
        _BUILD,
        "last_us = (outage.from_us - 1) // every_us * every_us",
        "last_us = outage.from_us // every_us * every_us",
        _SETTLED,
        "who fails at the instant of a heartbeat is heard",
    ),
    Mutant(_BUILD, "overlap_us=1", "overlap_us=0", _SETTLED, "a heartbeat between two outages is not heard"),
)
