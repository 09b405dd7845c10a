"""How long the prompts and outputs of all requests are, of what they consist, and what was said before them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from blis.tables.origin import MODALITIES
from blis.workload.draw.coupling import coupled_shares
from blis.workload.draw.senders import Client, Population
from blis.workload.draw.sessions import Turns
from blis.workload.draw.spec import WorkloadSpec
from blis.workload.draw.streams import Fresh
from blis.workload.subset import Places


class Prompts(NamedTuple):
    """[n] columns."""

    own_tokens: NDArray[np.int64]  # of the prompt, after the prefix and what was said before
    output_tokens: NDArray[np.int64]
    modality_tokens: NDArray[np.int64] | None  # [n, 3] of these own tokens; None: all is text
    reason_ratio: NDArray[np.float64] | None  # None: nobody says
    think_us: NDArray[np.int64]  # before the request, from round 1 of a session on

    def take(self, rows: NDArray[np.int64]) -> Prompts:
        """Those of some rows."""
        return Prompts._make(None if column is None else column[rows] for column in self)


def draw_prompts(spec: WorkloadSpec, drawn: Fresh, sender: NDArray[np.int32], opens: NDArray[np.bool_]) -> Prompts:
    """The draws for every request.

    drawn: the streams that they come from. sender: [n] number of the one who sends it. opens: [n] whether nothing of
    its session came before.
    """
    n = len(sender)
    senders = spec.senders
    own, output = np.empty(n, np.int64), np.empty(n, np.int64)
    modalities = np.zeros((n, len(MODALITIES)), np.int64) if any(one.multimodal for one in senders) else None
    ratio = np.zeros(n) if any(one.reasoning for one in senders) else None
    think = np.zeros(n if any(one.multi_turn for one in senders) else 0, np.int64)
    for number, rows, count in rows_of_senders(sender, len(senders)):
        one, streams = senders[number], Streams(drawn, spec.sender_names[number])
        if one.multimodal is not None and modalities is not None:
            own[rows], modalities[rows] = one.multimodal.sample(streams, count)
        else:
            own[rows] = _own_tokens(one, streams, opens[rows])
        output[rows] = _outputs(one, streams, opens[rows])
        if one.reasoning is not None and one.reasoning.reason_ratio_distribution is not None and ratio is not None:
            ratio[rows] = one.reasoning.reason_ratio_distribution.shares(streams("reason_ratio"), count)
        if one.multi_turn is not None:
            think[rows] = one.multi_turn.think_us(streams("think_time"), count)
    return Prompts(own, output, modalities, ratio, think)


def _own_tokens(one: Client | Population, streams: Streams, opens: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The lengths of prompts; of those that open sessions, from a stream of their own where they have a law."""
    own = one.input_distribution.sample(streams("input"), len(opens))
    if one.first_input_distribution is None:
        return own
    return np.where(opens, one.first_input_distribution.sample(streams("first_input"), len(opens)), own)


def _outputs(one: Client | Population, streams: Streams, opens: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The lengths of outputs; of coupled ones, to the prompts that the streams of inputs give."""
    if one.length_coupling is None:
        return one.output_distribution.sample(streams("output"), len(opens))
    purposes = ("input", "coupling", "output")
    prompts, choice, inside = (streams(purpose, "coupled").random(len(opens)) for purpose in purposes)
    if one.first_input_distribution is not None:
        prompts = np.where(opens, streams("first_input", "coupled").random(len(opens)), prompts)
    return one.output_distribution.at(coupled_shares(one.length_coupling, prompts, choice, inside))


class Streams:
    """The random streams of one sender by purpose."""

    def __init__(self, drawn: Fresh, name: str) -> None:
        """drawn: the streams of all. name: empty for the population."""
        self._drawn, self._path = drawn, f"workload/{name}/" if name else "workload/"

    def __call__(self, purpose: str, reader: str = "") -> np.random.Generator:
        """The generator for a purpose, such as "input"; reader: who else draws the same numbers."""
        return self._drawn(self._path + purpose, reader)


def rows_of_senders(sender: NDArray[np.int32], senders: int) -> Iterator[tuple[int, Places, int]]:
    """(number, its rows in order, how many) of every sender that has any."""
    if senders == 1:
        yield 0, slice(None), len(sender)
        return
    order = np.argsort(sender, kind="stable")
    ends = np.cumsum(np.bincount(sender, minlength=senders))
    for number, end in enumerate(ends.tolist()):
        start = int(ends[number - 1]) if number else 0
        if end > start:
            yield number, order[start:end], end - start


def rounds_of(spec: WorkloadSpec, seed: int, sender: NDArray[np.int32]) -> NDArray[np.int64] | None:
    """[starts] how many requests each arrival starts; None if nobody has sessions."""
    if not any(one.multi_turn for one in spec.senders):
        return None
    rounds = np.ones(len(sender), np.int64)
    for number, rows, count in rows_of_senders(sender, len(spec.senders)):
        if (multi_turn := spec.senders[number].multi_turn) is not None:
            rounds[rows] = multi_turn.rounds(Streams(Fresh(seed), spec.sender_names[number])("rounds"), count)
    return rounds


def grows(spec: WorkloadSpec, sender: NDArray[np.int32]) -> NDArray[np.bool_]:
    """[n] whether prompts of the sender's sessions begin with all that was said before."""
    multi_turn = (one.multi_turn for one in spec.senders)
    return np.array([turn is not None and turn.accumulates for turn in multi_turn])[sender]


def context_tokens(spec: WorkloadSpec, turns: Turns, sender: NDArray[np.int32], prompts: Prompts) -> NDArray[np.int64]:
    """[n] tokens that were said before and that the prompt begins with."""
    return turns.sums_before(prompts.own_tokens + prompts.output_tokens) * grows(spec, sender)
