"""Conversations of a trace: which rows go on where others ended, after how long, and with what."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from blis.tables.requests import RequestTable
from blis.workload.assemble import MAX_TOKENS
from blis.workload.draw.lengths import CountDistribution, Distribution
from blis.workload.draw.sessions import ACCUMULATE, MAX_ROUNDS, OPEN_LOOP_US, MultiTurn
from blis.workload.profile.bins import binned


class Rounds(NamedTuple):
    """Who continues whom."""

    before: NDArray[np.int64]  # [n] the row before in the same session, -1 for those that open one
    sizes: NDArray[np.int64]  # [sessions] rows of each; a row without a session is one of its own

    @classmethod
    def of(cls, table: RequestTable) -> Rounds:
        """From the sessions of a table."""
        n = len(table)
        session = np.where(table.session >= 0, table.session, table.session.max(initial=-1) + 1 + np.arange(n))
        order = np.argsort(session, kind="stable")
        follows = np.diff(session[order], prepend=-1) == 0
        before = np.full(n, -1)
        before[order[1:][follows[1:]]] = order[:-1][follows[1:]]
        return cls(before, np.unique(session, return_counts=True)[1])

    @property
    def opens(self) -> NDArray[np.bool_]:
        """[n] whether a row opens its session."""
        return self.before < 0


def shared_part(table: RequestTable, rounds: Rounds) -> float:
    """How much of all that was said before in their sessions later rounds begin with: 1 = all, 0 without such rounds.

    By the content of the trace alone: longer prompts that share nothing are new.
    """
    said = _said_before(table, rounds).sum()
    return float(_repeated_tokens(table, rounds).sum() / said) if said else 0.0


def lengthens(table: RequestTable, rounds: Rounds) -> bool:
    """Whether most later rounds are at least as long as all that was said before, whatever they share."""
    longer = table.input_tokens[~rounds.opens] >= _said_before(table, rounds)
    return len(longer) > 0 and float(longer.mean()) > 0.5


def own_tokens(table: RequestTable, rounds: Rounds, accumulated: bool) -> NDArray[np.int64]:
    """[n] tokens of each prompt that come after what is accumulated in its session, at least 1."""
    own = table.input_tokens.copy()
    if accumulated:
        own[~rounds.opens] -= _said_before(table, rounds)
    return np.maximum(own, 1)


def think_us(table: RequestTable, rounds: Rounds) -> NDArray[np.int64]:
    """[later rounds] pauses after the answer before, as recorded or, of recorded arrivals, as an open loop has it."""
    later = np.flatnonzero(~rounds.opens)
    before = rounds.before[later]
    passed = table.arrival_us[later] - table.arrival_us[before] - OPEN_LOOP_US * table.output_tokens[before]
    known = table.think_us[later] if table.think_us is not None else np.zeros_like(later)
    waited = known > 0
    timed = (table.arrival_us[later] >= 0) & (table.arrival_us[before] >= 0)
    return np.clip(np.where(waited, known, passed)[waited | timed], 0, MAX_TOKENS)


def fit_sessions(table: RequestTable, rounds: Rounds, accumulated: bool) -> MultiTurn | None:
    """The shape of the conversations; None if there are none."""
    if rounds.sizes.max() == 1:
        return None
    pauses, sizes = think_us(table, rounds), binned(rounds.sizes)
    return MultiTurn(
        max_rounds=min(max(map(int, sizes)), MAX_ROUNDS),
        context_growth=ACCUMULATE if accumulated else "none",
        rounds_distribution=Distribution("empirical", sizes),
        think_time_distribution=CountDistribution("empirical", binned(pauses)) if len(pauses) else None,
    )


def _repeated_tokens(table: RequestTable, rounds: Rounds) -> NDArray[np.int64]:
    """[later rounds] leading tokens that the prompt and the request before it in its session have in common."""
    nodes, ends, offsets = table.path_node.tolist(), table.path_end_token.tolist(), table.path_offset.tolist()
    later = np.flatnonzero(~rounds.opens)
    found = np.zeros(len(later), np.int64)
    for i, (row, before) in enumerate(zip(later.tolist(), rounds.before[later].tolist(), strict=True)):
        walks = zip(range(offsets[row], offsets[row + 1]), range(offsets[before], offsets[before + 1]), strict=False)
        for here, there in walks:
            if nodes[here] != nodes[there]:
                break
            found[i] = ends[here]
    return np.minimum(found, table.input_tokens[later])


def _said_before(table: RequestTable, rounds: Rounds) -> NDArray[np.int64]:
    """[later rounds] tokens of the prompt and the answer before."""
    return (table.input_tokens + table.output_tokens)[rounds.before[~rounds.opens]]
