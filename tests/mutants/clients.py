"""Faults in clients that give up: who does when, what the servers do then, who asks again, what is reported."""

from __future__ import annotations

from tests.mutants import Mutant

_DUE = "blis/engine/gateway/due.py"
_CLIENTS = "blis/engine/gateway/clients.py"
_ASKING = "blis/engine/gateway/asking.py"
_ABORT = "blis/engine/instance/abort.py"
_BUILD = "blis/engine/build/clients.py"
_FOLLOW = "blis/engine/follow_ups.py"
_BY_HAND = ("tests/blis/engine/gateway/test_clients.py",)
_ORACLE = ("tests/laws/test_clients.py",)
_LAWS = ("tests/blis/evaluation/test_client_laws.py",)

MUTANTS = (
    Mutant(
        _DUE,
        "e2e_us(w, r) < timeout_us",
        "e2e_us(w, r) <= timeout_us",
        _BY_HAND,
        "an answer that comes at the last instant is in time",
    ),
    Mutant(
        _DUE,
        "return first and len(w.retries) == 0 and",
        "return first and",
        _ORACLE,
        "a first token counts although the request has begun anew before its client's time is over",
    ),
    Mutant(
        _CLIENTS,
        "            look_soon(w, now_us)\n",
        "            pass\n",
        _BY_HAND,
        "a gateway does not see who goes",
    ),
    Mutant(_CLIENTS, "        take_out(w, r)\n", "        pass\n", _ORACLE, "who gives up stays at the gateway"),
    Mutant(_CLIENTS, "        w.cluster.again -= 1\n", "        pass\n", _ORACLE, "one more waits to be sent again"),
    Mutant(
        _CLIENTS,
        "    note_left(w, i, r)\n    show(w, i)\n",
        "    show(w, i)\n",
        _ORACLE,
        "who gives up counts as in flight",
    ),
    Mutant(
        _ASKING,
        "wait_us = max(wait_us, w.retry_after_us[r])",
        "pass",
        _BY_HAND,
        "clients do not listen to when they are to come back",
    ),
    Mutant(_ASKING, "    w.cluster.asks_saved -= 1.0\n", "", _BY_HAND, "asking again costs nothing"),
    Mutant(
        _ASKING,
        "if len(w.gave_up_us) == 0 or w.gave_up_us[r] == NEVER_US:",
        "if True:",
        ("tests/blis/engine/gateway/test_asking.py",),
        "a client that waits no more asks again when that attempt fails",
    ),
    Mutant(
        _ABORT,
        "    instance.emptied = instance.batch_size == 0\n",
        "",
        _ORACLE,
        "who comes is looked at in the middle of a step that nobody is left in",
    ),
    Mutant(
        _ABORT,
        "request.last_step = instance.steps - broken_off",
        "request.last_step = instance.steps",
        _ORACLE,
        "a step that is broken off gives tokens to who has left it",
    ),
    Mutant(
        "blis/engine/instance/queue.py",
        "while root != NONE and w.requests[root].status == ABANDONED:",
        "while root != NONE and False:",
        _ORACLE,
        "who has given up is admitted from a tree",
    ),
    Mutant(
        _FOLLOW,
        "return w.gave_up_us[r] == NEVER_US and not late",
        "return not late",
        _ORACLE,
        "an answer that nobody waits for lets others come",
    ),
    Mutant(
        _BUILD,
        "np.where(columns[name] >= 0, columns[name] + later_us, NONE)",
        "columns[name]",
        _BY_HAND,
        "latencies count from the latest attempt",
    ),
    Mutant(
        _BUILD,
        '    unseen = gone & (asked_us + columns["ttft_us"] >= gave_up_us)\n',
        "    unseen = gone & False\n",
        _BY_HAND,
        "a client has a first token that came after it had gone",
    ),
    Mutant(
        "blis/tables/attempts.py",
        "_repeated(_with_prompts_apart(table), attempts)",
        "_repeated(table, attempts)",
        _ORACLE,
        "nodes of attempts do not end where prompts do",
    ),
    Mutant(
        "blis/evaluation/client_laws.py",
        "    return waits & late\n",
        "    return waits & late & False\n",
        _LAWS,
        "nobody minds who waits for too long",
    ),
)
