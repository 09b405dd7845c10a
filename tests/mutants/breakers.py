"""Faults in circuit breakers: what counts, for how long, who tries, when it is over."""

from __future__ import annotations

from tests.mutants import Mutant

_BREAKERS = "blis/engine/gateway/breakers.py"
_LIVES = "blis/engine/gateway/lives.py"
_BY_HAND = ("tests/blis/engine/gateway/test_breakers.py",)
_ORACLE = ("tests/laws/test_failures.py",)

MUTANTS = (
    Mutant(_BREAKERS, ">= limit", "> limit", _BY_HAND, "one failure too many opens a breaker"),
    Mutant(
        _BREAKERS,
        "_is_failing(w, i, now_us) and now_us < w",
        "_is_failing(w, i, now_us) and now_us <= w",
        _BY_HAND,
        "the pause is 1 µs too long",
    ),
    Mutant(
        _BREAKERS,
        "    if _is_failing(w, i, now_us):\n        w.instances[i].tries_us = now_us + w.config.open_us\n",
        "    return\n",
        _BY_HAND,
        "others follow the one that tries before it is known what becomes of it",
    ),
    Mutant(
        _BREAKERS,
        "    instance.tries_us = now_us + w.config.open_us\n",
        "    instance.tries_us = max(instance.tries_us, 1) if instance.failures > 1 else now_us + w.config.open_us\n",
        _BY_HAND,
        "the pause begins with the first failure",
    ),
    Mutant(
        _BREAKERS, "instance.answered_us < now_us", "instance.answered_us <= now_us", _BY_HAND, "an answer is early"
    ),
    Mutant(_BREAKERS, "    instance.answered_us = NEVER_US\n", "", _BY_HAND, "one answer is enough for ever"),
    Mutant(
        "blis/engine/instance/step.py",
        "        instance.answered_us = min(instance.answered_us, end_us)\n",
        "        instance.answered_us = min(instance.answered_us, now_us)\n",
        _BY_HAND,
        "an answer counts when its last step begins",
    ),
    Mutant(
        "blis/engine/instance/step.py",
        "    w.instances[i].answered_us = min(w.instances[i].answered_us, now_us)\n",
        "",
        _BY_HAND,
        "who is dropped has no answer",
    ),
    Mutant(
        _LIVES,
        "        instance.offline &= ~UNHEARD\n        instance.failures = 0\n",
        "        instance.offline &= ~UNHEARD\n",
        _BY_HAND,
        "an instance that is found again is still failing",
    ),
    Mutant(
        "blis/engine/gateway/fleet.py",
        "    w.instances[i].failures = 0\n",
        "",
        ("tests/laws/test_autoscaling.py",),
        "an instance that is started anew is still failing",
    ),
    Mutant(
        "blis/engine/build/readers.py",
        '        readers["answers"] = _DECISIONS\n',
        "        pass\n",
        _ORACLE,
        "a router that looks at nothing does not hear of answers",
    ),
    Mutant(
        "blis/engine/build/encode_control.py",
        " or cluster.breaker.failures or",
        " or",
        _ORACLE,
        "scores stay although others may be chosen",
    ),
)
