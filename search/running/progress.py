"""How far a search is: a bar where somebody watches, elsewhere a line now and then, on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm

from blis.comparison.gain import signed
from blis.stdout import note
from search.running.archive import Archive

FORMAT = "{desc} {percentage:3.0f}%|{bar}| {n:.0f}/{total:.0f} [{rate_noinv_fmt}, {remaining} left{postfix}]"
FORMAT_WITHOUT_END = "{desc} {n:.0f} simulations [{elapsed}]"

#: Between two lines where nobody watches.
LINE_EVERY_S = 10.0

SEARCH = "search"  # the part of a run of which the end is known


class Progress:
    """Hears of every simulation, in whichever part of a run."""

    def __init__(self, candidates: int, simulations: int) -> None:
        """candidates: the budget, each of them so many simulations; the bar moves with every simulation."""
        self._candidates, self._simulations = candidates, simulations
        self._watched = sys.stderr is not None and sys.stderr.isatty()
        self._bar: tqdm | None = None
        self._name, self._count, self._best = "", 0, ""
        self._started = self._told = 0.0

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Show a part of the run: the search, or what comes after it."""
        self._name, self._count, self._best = name, 0, ""
        self._started = self._told = time.monotonic()
        known = name == SEARCH
        self._bar = tqdm(
            total=self._candidates * self._simulations if known else None,
            desc=name,
            unit=" candidates",
            bar_format=FORMAT if known else FORMAT_WITHOUT_END,
            unit_scale=1 / self._simulations if known else False,
            file=sys.stderr,
            disable=not self._watched,
            leave=False,
            dynamic_ncols=True,
        )
        try:
            yield
        finally:  # off the screen
            self._bar.close()
            self._bar = None

    def simulated(self, n: int) -> None:
        """`n` more simulations are done."""
        if self._bar is None:
            return
        self._count += n
        self._bar.update(n)
        now = time.monotonic()
        if not self._watched and now - self._told >= LINE_EVERY_S:
            self._told = now
            note(f"{self._name}: {self._so_far()}, {now - self._started:.0f} s")

    def generation(self, archive: Archive, generation: int) -> None:
        """Show the best score so far; repeated candidates, which need no simulation, count here."""
        self._count = len(archive.rows) * self._simulations
        best = archive.best()
        if best is not None and best.evaluation.fitness is not None:
            self._best = f", generation {generation}, best {signed(best.evaluation.fitness)}"
        if self._bar is not None:
            self._bar.n = self._count
            self._bar.set_postfix_str(self._best.removeprefix(", "), refresh=False)

    def _so_far(self) -> str:
        if self._name != SEARCH:
            return f"{self._count} simulations"
        return f"{self._count // self._simulations} of {self._candidates} candidates{self._best}"
