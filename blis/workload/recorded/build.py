"""From the columns of a log to a `Recording`: in order, on one clock, without what failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from blis.errors import InputError, in_short
from blis.workload.assemble import MAX_TOKENS, assemble
from blis.workload.content.tree import intern_sequences
from blis.workload.read.json_rows import JsonRows
from blis.workload.read.names import grouped_content, named_columns
from blis.workload.recorded.hits import Hits, with_hits
from blis.workload.recorded.recording import Recording

_LONGEST_US = 366 * 86_400 * 1_000_000


def recording(
    source: str,
    *,
    arrival_us: ArrayLike,
    first_token_us: ArrayLike,
    completed_us: ArrayLike,
    input_tokens: ArrayLike,
    output_tokens: ArrayLike,
    ok: ArrayLike,
    request_ids: Sequence[str] = (),
    scheduled_us: ArrayLike | None = None,
    slo_class: Sequence[str] = (),
    tenant: Sequence[str] = (),
    prefix_group: Sequence[str] = (),
    prefix_tokens: ArrayLike = 0,
    cached_tokens: ArrayLike = 0,
    session: Sequence[str] = (),
    warm_up: ArrayLike = False,
    notes: tuple[str, ...] = (),
    **facts: Any,
) -> Recording:
    """A recording of rows in any order; times are µs on one clock, whatever its zero. facts: fields of Recording.

    first_token_us: below 0 where only the end of an answer is known. Where no answer has time between its first and its
    last token, none was streamed, either.
    request_ids: request_<row> if there are none. cached_tokens: how much of each prompt was found in the cache, where
    nothing is known of prefix groups. session: a name for each row, "" = none; rows of one are its rounds, in order of
    time.

    Rows that are not `ok` are left out and counted, and so are those whose times are not in order. Raises InputError
    if none is left, an id is given twice, or the recording is longer than can be simulated.
    """
    n = len(np.asarray(arrival_us))
    ids = request_ids or [f"request_{row}" for row in range(n)]
    _check_ids(source, ids)
    good = np.broadcast_to(np.asarray(ok, bool), n)
    first, unknown = _first_tokens(first_token_us, completed_us, np.asarray(output_tokens) > 1, good)
    columns = (arrival_us, scheduled_us, first, completed_us)
    times = [np.asarray(column) for column in columns if column is not None]
    in_order = np.all([before <= after for before, after in pairwise(times)], axis=0)
    rows = np.flatnonzero(good & in_order)
    if not len(rows):
        why = ", with its times in order: are some in another unit?" if good.any() else ""
        raise InputError(f"{source}: no request was answered{why}")
    rows = rows[np.argsort(times[0][rows], kind="stable")]
    zero = times[0][rows[0]]
    times = [np.rint(column[rows] - zero).astype(np.int64) for column in times]
    if times[-1].max() > _LONGEST_US:
        raise InputError(f"{source}: from the first to the last it is more than a year; are the times in another unit?")
    inputs, outputs = (np.asarray(tokens, np.int64)[rows] for tokens in (input_tokens, output_tokens))
    cached = np.minimum(np.broadcast_to(np.asarray(cached_tokens, np.int64), n)[rows], inputs)
    if cached.any():
        hits = with_hits(cached, inputs, outputs, *times[-3:])
        content = intern_sequences(hits.sequences, inputs.tolist())
        notes = (*notes, *_of_hits(cached, hits))
    else:
        prefix = np.broadcast_to(np.asarray(prefix_tokens, np.int64), n)[rows]
        content = grouped_content(rows, prefix_group, prefix, inputs, outputs)
    table = assemble(
        content,
        arrival_us=times[0],
        input_tokens=inputs,
        output_tokens=outputs,
        request_ids=[ids[row] for row in rows.tolist()],
        **named_columns(rows, slo_class, tenant, session),
    )
    return Recording(
        source=source,
        requests=table,
        scheduled_us=None if scheduled_us is None else times[1],
        first_token_us=np.where(unknown[rows], -1, times[-2]),
        completed_us=times[-1],
        warm_up=np.broadcast_to(np.asarray(warm_up, bool), n)[rows],
        failed=int(n - good.sum()),
        invalid=int((good & ~in_order).sum()),
        notes=(*notes, *_of_whole_answers(unknown[rows]), *_left_out(ids, good, in_order)),
        **facts,
    )


def prompts(rows: JsonRows, key: str, ok: NDArray[np.bool_]) -> NDArray[np.int64]:
    """[n] tokens of the prompts of rows, which those that are not `ok` may not say. Raises InputError."""
    tokens = rows.integers(key, 0, MAX_TOKENS, blank=0)
    rows.check(key, (tokens > 0) | ~ok, lambda row: "is no number of tokens, but there is an answer")
    return tokens


def _check_ids(source: str, request_ids: Sequence[str]) -> None:
    name, count = Counter(request_ids).most_common(1)[0]
    if count > 1:
        raise InputError(f"{source}: request {in_short(name)} is there {count} times")


def _first_tokens(
    first_token_us: ArrayLike, completed_us: ArrayLike, longer: NDArray[np.bool_], good: NDArray[np.bool_]
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """[n] when first tokens came, at the latest, and whether that is all that is known.

    longer: those of two tokens or more; the one token of others comes with the end.
    """
    first, last = np.asarray(first_token_us), np.asarray(completed_us)
    told = ~(first < 0)  # NaN, too: such times are not in order
    streamed = told & (good & longer & told & (first < last)).any()
    return np.where(told, first, last), longer & ~streamed


def _of_whole_answers(unknown: NDArray[np.bool_]) -> list[str]:
    """What to say of answers that came in one piece."""
    count = int(unknown.sum())
    return [f"{count} answers were not streamed: of them only the end is known, no first token"] if count else []


def _left_out(request_ids: Sequence[str], good: NDArray[np.bool_], in_order: NDArray[np.bool_]) -> list[str]:
    """What to say of rows that are no part of a recording, each kind by its first one."""
    said = []
    for wrong, what in ((~good, "got no answer"), (good & ~in_order, "have times that are not in order")):
        if wrong.any():
            first = in_short(request_ids[int(np.argmax(wrong))])
            said.append(f"{int(wrong.sum())} requests {what} and are left out, {first} first")
    return said


def _of_hits(cached: NDArray[np.int64], hits: Hits) -> list[str]:
    """What to say of prompts that were found in the cache."""
    said = [
        f"{(cached > 0).sum()} prompts were in the cache in part: each begins like an earlier one, which is a guess"
    ]
    if hits.unexplained:
        said.append(f"of {hits.unexplained} of them nobody before had as many tokens: taken to have found nothing")
    return said
