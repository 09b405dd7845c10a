"""A budget of retries: so many for each request that comes, so that retries never become the load."""

from __future__ import annotations

#: Saved up at the start and at most: as many requests as a server of many may have had when it failed.
_START, _MOST = 100.0, 1000.0


class RetryBudget:
    """What is left of it."""

    def __init__(self, share: float) -> None:
        """share: retries a request, e.g. 0.2; 0 = none ever."""
        self._share = share
        self.left = _START if share else 0.0

    def earn(self) -> None:
        """A request has come."""
        self.left = min(self.left + self._share, _MOST)

    def spend(self) -> bool:
        """Whether one may be made now; then it counts."""
        if self.left < 1:
            return False
        self.left -= 1
        return True
