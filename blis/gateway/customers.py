"""What one customer may ask for: requests and tokens a minute, and requests at a time.

A bucket of requests and one of tokens each, which fill up over a minute.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from blis.gateway.state import Memory
from blis.serve.refusal import RefusedError

_MINUTE_S = 60.0


@dataclass(frozen=True)
class Allowance:
    """Of each customer; 0 = any number."""

    requests_minute: int = 0
    tokens_minute: int = 0  # of prompts and answers, these as long as they may be
    at_a_time: int = 0


class Customers:
    """Who has asked for how much."""

    def __init__(
        self,
        allowance: Allowance,
        buckets: Memory[float],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """buckets: what is left to whom. clock: Unix seconds, as theirs."""
        self._allowance, self._buckets, self._clock = allowance, buckets, clock
        self._here: Counter[str] = Counter()

    def come(self, customer: str, tokens: int) -> None:
        """A request comes. Raises RefusedError (429, with the time to come back) if it is one too many."""
        allowance = self._allowance
        if allowance.at_a_time and self._here[customer] >= allowance.at_a_time:
            raise RefusedError(429, f"at most {allowance.at_a_time} requests at a time", retry_after_s=1)
        wanted = [("requests", 1, allowance.requests_minute), ("tokens", tokens, allowance.tokens_minute)]
        left = {what: self._left(f"{what}/{customer}", most) for what, _, most in wanted if most}
        for what, amount, most in wanted:
            if most and amount > most:
                raise RefusedError(400, f"at most {most} {what} a minute are allowed, one request wants {amount}")
            if most and left[what] < amount:
                wait_s = (amount - left[what]) * _MINUTE_S / most
                raise RefusedError(429, f"at most {most} {what} a minute are allowed", retry_after_s=wait_s)
        for what, amount, most in wanted:
            if most:
                self._buckets.put(f"{what}/{customer}", left[what] - amount)
        if allowance.at_a_time:
            self._here[customer] += 1

    def go(self, customer: str) -> None:
        """A request that has come is over."""
        if self._allowance.at_a_time:
            self._here[customer] -= 1
            if not self._here[customer]:
                del self._here[customer]

    def _left(self, name: str, most: int) -> float:
        """In a bucket, now."""
        known = self._buckets.get(name)
        if known is None:
            return float(most)
        return min(known.value + max(self._clock() - known.at_s, 0.0) * most / _MINUTE_S, float(most))
