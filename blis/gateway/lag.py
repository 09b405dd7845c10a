"""How late a gateway itself is: while it has more to do than it can, requests are refused at once instead of held."""

from __future__ import annotations

import asyncio

#: How often it is measured, and how late it may be.
_LOOK_S, MOST_S = 0.05, 0.25


class Lag:
    """By how much what was due came late."""

    def __init__(self, most_s: float = MOST_S) -> None:
        """In time, as far as is known. most_s: how late it may be."""
        self.late_s, self._most_s = 0.0, most_s

    @property
    def too_much(self) -> bool:
        """Whether it has more to do than it can."""
        return self.late_s > self._most_s

    async def run(self) -> None:
        """Measure until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due_s = loop.time() + _LOOK_S
            await asyncio.sleep(_LOOK_S)
            self.late_s = loop.time() - due_s
