"""Faults in hedging: who is due, where a copy goes, who serves, what is cancelled when, what it costs."""

from __future__ import annotations

from tests.mutants import Mutant

_GATEWAY = "blis/engine/gateway"
_BY_HAND = ("tests/blis/engine/gateway/test_hedging.py",)
_TIMES = ("tests/blis/engine/gateway/test_hedge_times.py",)
_ORACLE = ("tests/laws/test_hedging.py",)
_LAWS = ("tests/blis/evaluation/test_hedge_laws.py",)

MUTANTS = (
    Mutant(
        f"{_GATEWAY}/hedge_times.py",
        "return token_us(w, r) >= due_us",
        "return token_us(w, r) > due_us",
        _BY_HAND,
        "a token that comes at that instant is in time",
    ),
    Mutant(
        f"{_GATEWAY}/hedge_times.py",
        "return event_us + 1 if",
        "return event_us + 1000 if",
        (*_TIMES, *_ORACLE),
        "others go on for too long before a race is decided",
    ),
    Mutant(f"{_GATEWAY}/facts.py", " and i != elsewhere", "", _BY_HAND, "a copy goes where its request is"),
    Mutant(
        f"{_GATEWAY}/hedging.py",
        "    if token_us(w, r) != now_us:\n",
        "    if token_us(w, copy) == now_us:\n",
        _BY_HAND,
        "of two that are first together the copy serves",
    ),
    Mutant(f"{_GATEWAY}/hedging.py", "w.cluster.hedges_saved -= 1.0", "pass", _BY_HAND, "copies cost nothing"),
    Mutant(
        f"{_GATEWAY}/hedging.py",
        "    if len(w.retries) == 0 or w.retries[r] == 0:\n",
        "    if True:\n",
        _ORACLE,
        "a request pays for copies each time it is sent",
    ),
    Mutant(
        f"{_GATEWAY}/hedging.py",
        "    w.cluster.hedges_saved = min(w.cluster.hedges_saved + 1.0, w.config.most_hedges)\n",
        "    pass\n",
        _BY_HAND,
        "a copy that is not made is paid for",
    ),
    Mutant(
        f"{_GATEWAY}/hedging.py",
        "    settle_rank(w, copy)\n",
        "",
        _ORACLE,
        "a copy stands first in every order",
    ),
    Mutant(f"{_GATEWAY}/hedging.py", "    note_admitted(w, copy)\n", "", _ORACLE, "a copy counts for no tenant"),
    Mutant(
        f"{_GATEWAY}/hedging.py",
        "            look_soon(w, now_us)\n",
        "            pass\n",
        _ORACLE,
        "a gateway does not see that somebody was cancelled",
    ),
    Mutant(
        f"{_GATEWAY}/races.py",
        "    w.serving[min(r, rival)] = rival\n",
        "",
        _BY_HAND,
        "the lost one is what is reported",
    ),
    Mutant(
        f"{_GATEWAY}/races.py",
        "    if w.requests[rival].status == COMPLETED:\n        release_followers(w, rival, now_us)\n",
        "",
        _ORACLE,
        "whoever follows one that is completed when its rival is lost never comes",
    ),
    Mutant(
        f"{_GATEWAY}/lives.py",
        "return w.retries[first] + w.retries[first + w.config.first_asks]",
        "return w.retries[r]",
        _BY_HAND,
        "a copy is sent again as often as its request besides",
    ),
    Mutant(
        "blis/engine/follow_ups.py",
        "    if len(w.rivals) > 0 and w.rivals[r] != NONE:\n",
        "    if False:\n",
        _BY_HAND,
        "whoever follows comes with the first of two answers that is known",
    ),
    Mutant(
        "blis/evaluation/hedge_laws.py",
        "later = (own_us >= 0) & (own_us < token_us)",
        "later = own_us < 0",
        _LAWS,
        "the guard sees nobody cancelled who was first",
    ),
)
