"""The progress bar of a search: rate, best so far, time left; only where somebody watches."""

from __future__ import annotations

import sys
from types import TracebackType

from tqdm import tqdm

from search.running.archive import Archive

FORMAT = "{desc} {percentage:3.0f}%|{bar}| {n:.0f}/{total:.0f} [{rate_noinv_fmt}, {remaining} left{postfix}]"


class Progress:
    """A bar on stderr, nothing if stderr is no terminal. A context manager."""

    def __init__(self, candidates: int, seeds: int) -> None:
        """candidates: the budget, each of them `seeds` simulations; the bar moves with every simulation."""
        self._seeds = seeds
        self._bar = tqdm(
            total=candidates * seeds,
            desc="search",
            unit=" candidates",
            bar_format=FORMAT,
            unit_scale=1 / seeds,
            file=sys.stderr,
            disable=not sys.stderr.isatty(),
            leave=False,
            dynamic_ncols=True,
        )

    def __enter__(self) -> Progress:
        """The bar itself."""
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        """Take the bar off the screen."""
        self._bar.close()

    def simulated(self, n: int) -> None:
        """`n` more simulations are done."""
        self._bar.update(n)

    def generation(self, archive: Archive, generation: int) -> None:
        """Show the best score so far; repeated candidates, which need no simulation, count here."""
        self._bar.n = len(archive.rows) * self._seeds
        best = archive.best()
        if best is not None:
            self._bar.set_postfix_str(f"generation {generation}, best {best.evaluation.fitness:+.3f}", refresh=False)
