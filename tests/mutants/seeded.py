"""Faults of the kernels that the random cases of the oracle must find, each among the first hundred of a kind.

Two of them once passed every test: the first, which takes long outputs, and that of the dropped who stay in flight,
which takes a drop after a preemption. How soon they are found says whether the cases still hurt.
"""

from __future__ import annotations

from tests.mutants import Mutant

_INSTANCE, _CACHE, _GATEWAY = (f"blis/engine/{room}" for room in ("instance", "cache", "gateway"))
_ORACLE = ("tests/laws/test_engine_equals_oracle.py",)

MUTANTS = (
    Mutant(
        f"{_INSTANCE}/leap.py",
        "blocks = turns * instance.batch_size\n",
        "blocks = turns * instance.batch_size - turns // 64\n",
        _ORACLE,
        "a leap of very many turns takes a block too few",
    ),
    Mutant(
        f"{_INSTANCE}/batch.py",
        "    w.instances[i].dropped += 1\n    note_left(w, i, r)\n",
        "    w.instances[i].dropped += 1\n",
        _ORACLE,
        "who is dropped after a preemption stays in flight",
    ),
    Mutant(
        f"{_INSTANCE}/batch.py",
        "        request.last_step = instance.steps\n",
        "",
        _ORACLE,
        "the gap after an eviction begins with an earlier step",
    ),
    Mutant(
        f"{_INSTANCE}/step.py",
        "    note_left(w, i, r)\n    if w.requests[r].kv == REMOTE:",
        "    if w.requests[r].kv == REMOTE:",
        _ORACLE,
        "who is dropped on arrival stays in flight",
    ),
    Mutant(
        "blis/engine/boundary.py",
        "        note_sent(w, request.instance, r)\n",
        "",
        _ORACLE,
        "who would have completed behind the horizon is not in flight",
    ),
    Mutant(
        f"{_CACHE}/kv.py",
        "for p in range(last, w.rows[r].path_begin - 1, -1):",
        "for p in range(last, w.rows[r].path_begin, -1):",
        _ORACLE,
        "the beginning of a sequence is never released",
    ),
    Mutant(
        f"{_CACHE}/kv.py",
        "copies = min(deeper, w.nodes[i, entry.node].resident) - depth",
        "copies = min(deeper, w.nodes[i, entry.node].held) - depth",
        _ORACLE,
        "a second copy of a content that nobody holds stays beside the first",
    ),
    Mutant(
        f"{_CACHE}/tier.py",
        "        if below.shallow_run == NONE:\n            below.reach = hi",
        "        below.reach = hi",
        _ORACLE,
        "the tier below forgets the deeper blocks of a sequence when shallower ones come",
    ),
    Mutant(
        f"{_GATEWAY}/queue.py",
        "w.bands[band].next_tenant = tenant + 1 if",
        "w.bands[band].next_tenant = tenant if",
        _ORACLE,
        "the tenant whose turn it was has the next one, too",
    ),
    Mutant(
        f"{_GATEWAY}/decide.py",
        "queued_us, w.cluster.turn, r)",
        "queued_us, r, r)",
        _ORACLE,
        "of those who join a queue at one instant the first row is first, not the first to be routed",
    ),
)
