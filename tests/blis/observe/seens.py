"""Things seen, by hand: what a test of files and figures needs."""

from __future__ import annotations

from blis.observe.record import Observed
from blis.observe.seen import OK, TIMEOUT, Seen
from blis.workload.assemble import assemble
from blis.workload.content.tree import intern_sequences

START_US = 1_800_000_000_000_000
MS = 1000


def whole(due_ms: int, first_ms: int, *gaps_ms: int, late_ms: int = 0, tokens: int = 0, inputs: int = 40) -> Seen:
    """An answer whose first text comes first_ms after it was sent, and the others after gaps."""
    sent_us = START_US + (due_ms + late_ms) * MS
    times_ms = [first_ms + sum(gaps_ms[:n]) for n in range(len(gaps_ms) + 1)]
    return Seen(
        due_us=START_US + due_ms * MS,
        ready_us=sent_us,
        sent_us=sent_us,
        chunk_us=tuple(sent_us + time_ms * MS for time_ms in times_ms),
        input_tokens=inputs,
        output_tokens=tokens or len(times_ms),
        status=OK,
        tries=1,
    )


#: Two answers, one that broke off, one that took too long, one that was never sent.
SEEN = (
    whole(0, 30, 10, 10, 20),
    whole(100, 50, 40, late_ms=20, tokens=5, inputs=41),
    Seen(
        START_US + 200 * MS, START_US + 200 * MS, START_US + 201 * MS, (START_US + 210 * MS,), 40, 1, error="broke, off"
    ),
    Seen(START_US + 300 * MS, START_US + 300 * MS, START_US + 300 * MS, status=TIMEOUT, error="too late", tries=2),
    Seen(START_US + 400 * MS, error="not sent: interrupted"),
)


def observed(seen: tuple[Seen, ...] = SEEN, streamed: bool = True, warmed_up: int = 0) -> Observed:
    """Seen of requests of 40 tokens, 20 of them the same in the first two, for 4 tokens each."""
    spans = [[("s" if row < 2 else row, 0, 20), (f"own {row}", 0, 24)] for row in range(len(seen))]
    table = assemble(
        intern_sequences(spans, [40] * len(seen)),
        arrival_us=range(len(seen)),
        input_tokens=[40] * len(seen),
        output_tokens=[4] * len(seen),
        slo_class=[0, 1, 0, 0, 0][: len(seen)],
        slo_names=("fast", "slow"),
    )
    return Observed(table, seen, streamed, warmed_up, model="m", source="w.yaml")
