"""Who gets in: every admission policy with its state (policies.md 4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from blis.tables.records import ABANDONED, COMPLETED, DROPPED, LOST, REJECTED
from tests.oracle.engine import Job
from tests.oracle.setup import Setup
from tests.oracle.view import View

NO_RETRY = -1


GONE = (COMPLETED, DROPPED, LOST, REJECTED, ABANDONED)


class Bucket:
    """Tokens that come back with time, refilled at its own decisions (cluster-and-policies.md 3)."""

    def __init__(self, capacity: float, per_s: float) -> None:
        """Start full."""
        self._capacity, self._per_s = capacity, per_s
        self._tokens, self._refilled_us = capacity, 0

    def wait_us(self, cost: int) -> int:
        """In how long it holds the cost, if nobody else takes anything; NO_RETRY if it never does."""
        if cost > self._capacity or self._per_s == 0:
            return NO_RETRY
        century_us = 100 * 365 * 86_400 * 10**6
        return int(min((cost - self._tokens) * 1e6 / self._per_s, century_us)) + 1

    def pays(self, cost: int, now: int) -> bool:
        """Take the cost out if the bucket holds it."""
        elapsed = now - self._refilled_us
        if elapsed > 0:
            self._tokens = min(self._capacity, self._tokens + elapsed * self._per_s / 1e6)
            self._refilled_us = now
        if self._tokens < cost:
            return False
        self._tokens -= cost
        return True


class Admission:
    """Asked in order of arrival."""

    def __init__(self, setup: Setup, view: View, first_arrival_us: int) -> None:
        """Start with full buckets and nobody in flight."""
        self._setup, self._view, self._first_arrival_us = setup, view, first_arrival_us
        self._given = setup.admission_parameters
        self._buckets: dict[int, Bucket] = {}
        self._admitted: list[Job] = []
        self.retry_after_us = NO_RETRY  # what the last one that was rejected is told

    def admits(self, job: Job, now: int, eligible: Sequence[int]) -> bool:
        """Decide on one request that may run on these instances."""
        self.retry_after_us = NO_RETRY
        admitted = POLICIES[self._setup.admission](self, job, now, eligible)
        if admitted:
            self.let_in(job)
        return admitted

    def let_in(self, job: Job) -> None:
        """Count a request that is let in."""
        self._admitted.append(job)

    # -- what several policies ask

    def _in_flight(self, tenant: int | None = None) -> list[Job]:
        """Admitted and neither completed nor dropped nor rejected at the gateway, of one tenant or of all."""
        self._admitted = [job for job in self._admitted if job.status not in GONE]
        return [job for job in self._admitted if tenant in (None, job.request.tenant)]

    def _in_flight_tokens(self, tenant: int | None = None) -> int:
        return sum(job.prompt_tokens for job in self._in_flight(tenant))

    def _saturation(self, eligible: Sequence[int]) -> float:
        queue = _parameter(self._given, "queue_threshold", 5.0)
        kv = _parameter(self._given, "kv_threshold", 0.8)
        total = 0.0
        for j in eligible:
            total += max(self._view.queue_depth(j) / queue, self._view.kv(j) / kv)
        return total / len(eligible)

    def _is_sheddable(self, job: Job) -> bool:
        priority = self._setup.tier(job.request.slo_class).priority
        return priority < _parameter(self._given, "min_priority", 0.0)

    def _pays(self, bucket: int, job: Job, now: int) -> bool:
        capacity = _parameter(self._given, "capacity_tokens", 10_000.0)
        per_s = _parameter(self._given, "refill_tokens_per_s", 1_000.0)
        own = self._buckets.setdefault(bucket, Bucket(capacity, per_s))
        if own.pays(job.prompt_tokens, now):
            return True
        self.retry_after_us = own.wait_us(job.prompt_tokens)
        return False

    # -- the policies: True admits

    def token_bucket(self, job: Job, now: int, _: Sequence[int]) -> bool:
        """One bucket for all."""
        return self._pays(0, job, now)

    def tenant_token_bucket(self, job: Job, now: int, _: Sequence[int]) -> bool:
        """A bucket for each tenant."""
        return self._pays(job.request.tenant, job, now)

    def queue_depth(self, job: Job, now: int, eligible: Sequence[int]) -> bool:
        """A bounded number of waiting requests, and of requests of one tenant."""
        waiting = sum(self._view.queue_depth(j) + self._view.pending(j) for j in eligible)
        max_queued = _parameter(self._given, "max_queued", 256.0)
        if waiting >= max_queued:
            completions = self._view.completions()
            if completions > 0:
                self.retry_after_us = int((waiting - max_queued + 1.0) * (now - self._first_arrival_us) / completions)
            return False
        return len(self._in_flight(job.request.tenant)) < _parameter(self._given, "max_tenant_in_flight", 1e6)

    def tier_shed(self, job: Job, _: int, eligible: Sequence[int]) -> bool:
        """No unimportant requests while somebody is loaded."""
        overloaded = max(self._view.load(j) for j in eligible) > _parameter(self._given, "max_load", 64.0)
        return not (self._is_sheddable(job) and overloaded)

    def utilization_shed(self, job: Job, _: int, eligible: Sequence[int]) -> bool:
        """No unimportant requests while the cluster is saturated."""
        return not (self._is_sheddable(job) and self._saturation(eligible) >= 1.0)

    def concurrency_shed(self, job: Job, _: int, eligible: Sequence[int]) -> bool:
        """No unimportant requests above a number in flight."""
        in_flight = sum(self._view.in_flight(j) for j in eligible)
        concurrency = in_flight / (len(eligible) * _parameter(self._given, "max_concurrency", 100.0))
        return not (self._is_sheddable(job) and concurrency >= 1.0)

    def probabilistic(self, job: Job, _: int, eligible: Sequence[int]) -> bool:
        """Fewer unimportant requests the more saturated the cluster is."""
        k, power = _parameter(self._given, "k", 300.0), _parameter(self._given, "power", 5.0)
        probability = min(k * self._saturation(eligible) ** power, 1.0)
        return not (self._is_sheddable(job) and job.request.draws["admission"] < probability)

    def tenant_budget(self, job: Job, _: int, eligible: Sequence[int]) -> bool:
        """In a saturated cluster no unimportant requests of tenants above their share."""
        tokens = job.prompt_tokens
        own = self._in_flight_tokens(job.request.tenant) + tokens
        allowed = _parameter(self._given, "share", 0.25) * (self._in_flight_tokens() + tokens)
        return not (self._is_sheddable(job) and self._saturation(eligible) >= 1.0 and own > allowed)


def _parameter(given: Mapping[str, float], name: str, default: float) -> float:
    return float(given.get(name, default))


POLICIES: dict[str, Callable[[Admission, Job, int, Sequence[int]], bool]] = {
    "always-admit": lambda *_: True,
    "reject-all": lambda *_: False,
    "token-bucket": Admission.token_bucket,
    "tenant-token-bucket": Admission.tenant_token_bucket,
    "queue-depth": Admission.queue_depth,
    "tier-shed": Admission.tier_shed,
    "utilization-shed": Admission.utilization_shed,
    "concurrency-shed": Admission.concurrency_shed,
    "probabilistic": Admission.probabilistic,
    "tenant-budget": Admission.tenant_budget,
}
