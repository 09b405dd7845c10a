"""A budget of retries: so many for each request that comes, so that retries never become the load."""

from __future__ import annotations

from blis.config import Retries

#: So many times what is saved up at the start is kept at most.
_MOST = 10


class RetryBudget:
    """What is left of it."""

    def __init__(self, retries: Retries) -> None:
        """Nobody has come yet."""
        self._share, self._most = retries.budget, _MOST * retries.saved
        self.left = retries.saved

    def earn(self) -> None:
        """A request has come."""
        self.left = min(self.left + self._share, self._most)

    def spend(self) -> bool:
        """Whether one may be made now; then it counts."""
        if self.left < 1:
            return False
        self.left -= 1
        return True
