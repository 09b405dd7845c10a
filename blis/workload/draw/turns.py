"""The requests of sessions, put in the order of a table: who waits for whom, and when the others come."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from blis.tables.network import Network, on_the_way_us
from blis.workload.draw.prompts import Prompts, grows
from blis.workload.draw.sessions import OPEN_LOOP_US, Turns
from blis.workload.draw.spec import WorkloadSpec


class Conversations(NamedTuple):
    """[n] columns of a table with sessions, in its order."""

    order: NDArray[np.int64]  # number of the request among all that were drawn
    arrival_us: NDArray[np.int64]  # -1: it comes when its predecessor is answered
    round: NDArray[np.int64]
    predecessor: NDArray[np.int32]  # the row before in its session, where it waits for that; else -1
    think_us: NDArray[np.int64]  # then, from that answer on, at least 1, with the ways over the client's network
    session: NDArray[np.int64]  # number of the session, -1 without one
    carried_on: NDArray[np.int64] | None  # the same where prompts begin with all that was said before; None: nowhere
    last_us: int  # when the last of them comes, or the first one of its session

    def columns(self) -> dict[str, NDArray[Any]]:
        """Those of a table, by the names that `assemble` has for them; without those of waiting if nobody waits."""
        found: dict[str, NDArray[Any]] = {
            "arrival_us": self.arrival_us,
            "session": self.session,
            "round_number": self.round,
        }
        if (self.predecessor >= 0).any():
            found |= {"predecessor": self.predecessor, "think_us": self.think_us}
        return found

    @property
    def session_names(self) -> tuple[str, ...]:
        """Of the sessions by number."""
        return tuple(map("sess_{}".format, range(int(self.session.max(initial=-1)) + 1)))


def conversations(
    spec: WorkloadSpec,
    turns: Turns,
    starts_us: NDArray[np.int64],
    sender: NDArray[np.int32],
    prompts: Prompts,
    limit: int | None,
) -> Conversations:
    """The first `limit` requests, sorted by when they or the first ones of their sessions come.

    starts_us: [starts]; sender, prompts: of all requests, start by start. What waits stands behind what it waits for.
    """
    in_session = np.array([one.multi_turn is not None for one in spec.senders])[sender]
    closed = np.array([spec.closed_loop(one) for one in spec.senders])[sender] & in_session
    later = turns.round > 0
    think = np.where(later, prompts.think_us, 0)
    passed = turns.sums_before(think) + think + OPEN_LOOP_US * turns.sums_before(prompts.output_tokens)
    comes_us = starts_us[turns.start] + np.where(closed, 0, passed)
    order = np.argsort(comes_us, kind="stable")[:limit]

    waits, carries = (closed & later)[order], grows(spec, sender)[order]
    started = np.arange(len(starts_us))[turns.start][order]
    number = np.cumsum(np.bincount(started[in_session[order]], minlength=len(starts_us)) > 0) - 1
    return Conversations(
        order=order,
        arrival_us=np.where(waits, -1, comes_us[order]),
        round=turns.round[order],
        predecessor=np.where(waits, np.arange(len(order)) - 1, -1).astype(np.int32),
        think_us=np.where(waits, np.maximum(think[order], 1), 0),
        session=np.where(in_session[order], number[started], -1),
        carried_on=np.where(carries, number[started], -1) if carries.any() else None,
        last_us=int(comes_us[order[-1]]),
    )


def over_networks(
    spec: WorkloadSpec,
    talks: Conversations,
    sender: NDArray[np.int32],
    input_tokens: NDArray[np.int64],
    output_tokens: NDArray[np.int64],
) -> Conversations:
    """The same with the ways of answers to those who wait for them, and of the prompts that follow.

    sender, input_tokens, output_tokens: [n] in the order of the table.
    """
    networks = [one.between for one in spec.senders]
    if all(network == Network() for network in networks):
        return talks
    way_us = on_the_way_us(networks, sender, output_tokens[talks.predecessor] + input_tokens)
    return talks._replace(think_us=talks.think_us + np.where(talks.predecessor >= 0, way_us, 0))
