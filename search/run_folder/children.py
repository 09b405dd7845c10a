"""Which candidates of a search get a run of their own in a store.

So few that it costs little, so many that a picture of keys against scores shows where the search has been.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from search.running.archive import BASELINE, Archive, Row

FINALIST, CANDIDATE = "finalist", "candidate"


def promoted(archive: Archive, finalists: int, most: int) -> Iterator[tuple[str, Row]]:
    """What each is, and its row: baselines, the best few, then a sample of the others; `most` in all."""
    baselines = [row for row in archive.rows if row.origin == BASELINE][:most]
    ranked = archive.top(len(archive.rows))
    best = ranked[: min(finalists, most - len(baselines))]
    sample = stratified(ranked[len(best) :], most - len(baselines) - len(best))
    for kind, rows in ((BASELINE, baselines), (FINALIST, best), (CANDIDATE, sample)):
        yield from ((kind, row) for row in rows)


def stratified(ranked: Sequence[Row], n: int) -> list[Row]:
    """One row of each of `n` equal parts of a ranking, from the generation that has given fewest so far."""
    given: Counter[int] = Counter()
    found = []
    for i in range(n):
        part = ranked[i * len(ranked) // n : (i + 1) * len(ranked) // n]
        if part:
            row = min(part, key=lambda row: (given[row.generation], row.index))
            given[row.generation] += 1
            found.append(row)
    return found
