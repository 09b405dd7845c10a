"""How far an observation is: a bar where somebody watches, elsewhere a line now and then, on stderr."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from tqdm import tqdm

from blis.cli.diagnostics import Log
from blis.observe.seen import Seen

LINE_EVERY_S = 10.0


class Progress:
    """Hears of every request that has come to its end."""

    def __init__(self, requests: int, log: Log) -> None:
        """Nothing is shown before `with`."""
        self._requests, self._log = requests, log
        self._watched = sys.stderr is not None and sys.stderr.isatty()
        self._ended = self._failed = 0
        self._told = time.monotonic()

    def __enter__(self) -> Progress:
        """Show it."""
        self._bar = tqdm(total=self._requests, desc="observe", unit=" requests", disable=not self._watched, leave=False)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Off the screen."""
        self._bar.close()

    def seen(self, seen: Seen) -> None:
        """One more."""
        self._ended += 1
        self._failed += not seen.ok
        self._bar.update(1)
        now = time.monotonic()
        if not self._watched and now - self._told >= LINE_EVERY_S:
            self._told = now
            self._log.note(f"{self._ended} of {self._requests} requests, {self._failed} without a whole answer")
