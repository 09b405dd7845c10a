"""Faults in the control plane before real servers, and in the gateway around it."""

from __future__ import annotations

from tests.mutants import Mutant

_TOLD = "blis/engine/live/told.py"
_PLANE = "blis/engine/live/control_plane.py"
_OWN = ("tests/blis/engine/live",)


def _gateway(module: str, old: str, new: str, why: str) -> Mutant:
    return Mutant(f"blis/gateway/{module}.py", old, new, ("tests/blis/gateway",), why)


MUTANTS = (
    Mutant(_TOLD, "key < asked_us + AWAY_US", "key < asked_us + 2 * AWAY_US", _OWN, "who came after it was asked"),
    Mutant(_TOLD, "    note_left(w, i, r)\n", "", _OWN, "prompt tokens of who has left stay in flight"),
    Mutant(_TOLD, "w.instances[failed].dropped += 1", "pass", _OWN, "who is sent elsewhere counts at both"),
    Mutant(
        _TOLD,
        "look_soon(w, max(now_us, w.cluster.decided_us))",
        "pass",
        _OWN,
        "nobody is let through when somebody leaves",
    ),
    Mutant(_TOLD, "not barred[i]", "True", _OWN, "a request goes again where it failed"),
    Mutant(
        _PLANE,
        'traits["placement"][passage.row] = 0',
        'traits["placement"][passage.row]',
        _OWN,
        "it sticks to the dead",
    ),
    Mutant(
        _PLANE, "home if self._homes[number] == NONE else self._homes[number]", "home", _OWN, "the caller's memory wins"
    ),
    _gateway("backends", "backend.up and not backend.draining", "backend.up", "who is to go gets more"),
    _gateway("backends", "            hang_up()", "            pass", "requests wait for the dead"),
    _gateway("attempts", "self._budget.spend()", "True", "retries without a budget"),
    _gateway("attempts", "failed > self._retries.limit", "False", "retries without an end"),
    _gateway("attempts", "if error.broken:", "if True:", "who has too much to do is let be"),
    _gateway("forward", "if response.status in _UNABLE:", "if False:", "an answer of 500 is an answer"),
    _gateway("forward", "json.loads(answer.body)", "pass", "half an answer is an answer"),
    _gateway("events", "if self._rest.strip() or not self.done:", "if False:", "a stream that breaks off is whole"),
    _gateway("customers", "left[what] - amount", "left[what]", "nothing is ever used up"),
    _gateway("gateway", "self._customers.go(visit.customer)", "pass", "who has gone is here for ever"),
    _gateway("gateway", "self.desk.leave(visit.passage, status < 400)", "pass", "in flight for ever"),
    _gateway("gateway", "self.state.sessions.put(session,", "print(session,", "sessions are forgotten"),
    _gateway("gateway", 'if not {".", ".."}.isdisjoint', 'if {".", ".."}.issuperset', "paths lead anywhere"),
    _gateway("events", '== b"[DONE]" or self.done', '!= b"" or self.done', "an event is the end"),
    _gateway("passing", "            self._end()", "            pass", "streams are never over"),
)
