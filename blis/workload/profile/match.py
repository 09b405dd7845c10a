"""How near the requests of a twin come to those of the trace that it was made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ks_2samp, spearmanr

from blis.tables.requests import RequestTable
from blis.workload.content.reuse import ideal_hit_rate
from blis.workload.profile.sessions import Rounds, think_us

HIT_RATE = "ideal hit rate"
POOR_KS, POOR_HITS = 0.15, 0.05  # distances of distributions, and of hit rates, above which a twin does not match


class Measure(NamedTuple):
    """One figure of both, and the largest distance between their distributions, where it is one of such."""

    name: str
    trace: float
    twin: float
    ks: float | None = None  # Kolmogorov-Smirnov, 0 … 1


def poor_matches(found: Sequence[Measure]) -> Iterator[str]:
    """What of a twin does not match, a line each."""
    for one in found:
        if one.ks is not None and one.ks > POOR_KS:
            yield f"{one.name}: {one.twin:.4g} instead of {one.trace:.4g}, KS {one.ks:.3f} above {POOR_KS}"
        elif one.name == HIT_RATE and abs(one.twin - one.trace) > POOR_HITS:
            yield f"{one.name}: {one.twin:.3f} instead of {one.trace:.3f}, more than {POOR_HITS} off"


def measures(trace: RequestTable, twin: RequestTable, block_tokens: int) -> list[Measure]:
    """All figures of two tables; block_tokens: of the ideal hit rate."""
    return list(_measures(trace, twin, block_tokens))


def _measures(trace: RequestTable, twin: RequestTable, block_tokens: int) -> Iterator[Measure]:
    both = (trace, twin)
    rounds = [Rounds.of(table) for table in both]
    talks = any(own.sizes.max() > 1 for own in rounds)
    gap = "gap between starts" if talks else "gap"  # a start: of a conversation, or a request without one
    # To 0.1 ms: of requests that come together, drawn ones are 1 µs apart.
    gaps = [np.round(np.diff(table.opened_us[own.opens]) / 1e6, 4) for table, own in zip(both, rounds, strict=True)]
    yield Measure("requests", *(float(len(table)) for table in both))
    yield Measure("requests/s", *(table.offered_per_s for table in both))
    yield _mean(f"{gap} s", gaps)
    yield Measure(f"{gap} cv", *(float(gap.std() / gap.mean()) for gap in gaps))
    yield _mean("input tokens", [table.input_tokens for table in both])
    yield _mean("output tokens", [table.output_tokens for table in both])
    yield Measure("input-output rank correlation", *map(_correlation, both))
    yield Measure(HIT_RATE, *(ideal_hit_rate(table, block_tokens) for table in both))
    if talks:
        yield _mean("rounds of a session", [table.session_rounds for table in both])
        yield _mean("think time s", [think_us(*one) / 1e6 for one in zip(both, rounds, strict=True)])


def _mean(name: str, values: Sequence[NDArray[Any]]) -> Measure:
    """The means of both columns, 0 of an empty one, and how far apart their distributions are."""
    trace, twin = (float(value.mean()) if len(value) else 0.0 for value in values)
    return Measure(name, trace, twin, float(ks_2samp(*values).statistic) if all(map(len, values)) else None)


def _correlation(table: RequestTable) -> float:
    """Spearman's, of prompts and outputs; 0 where one of them is always the same."""
    columns = (table.input_tokens, table.output_tokens)
    return 0.0 if any(column.min() == column.max() for column in columns) else float(spearmanr(*columns).statistic)
