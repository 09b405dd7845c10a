"""What a policy saves in instances: how much more of the same traffic it carries before promises break.

The limit of the primary baseline is the highest rate at which it keeps TARGET of the requests in time; that of the
policy the highest at which it keeps as many as the primary does there, table by table. As many times fewer instances
are taken to carry what is carried today.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from blis.evaluation.ratios import US_PER_S
from blis.sizing.boundary import boundary
from blis.sizing.sizing import rate_factors
from search.problem.policy import Policy
from search.verdict.holdout import Holdout

TARGET = 0.95  # of the requests meet every SLO
REACH = 4.0  # times as high and as low a rate are looked at


@dataclass(frozen=True)
class Saving:
    """Requests per second, and instances that carry what those of the primary baseline do.

    rate_interval, instances_interval: 95 %; None on a trace, or where an end lies beyond what was tried.
    """

    target: float
    primary_rate: float
    rate: float
    rate_interval: tuple[float, float] | None
    instances_today: int
    instances: float
    instances_interval: tuple[float, float] | None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)

    def words(self, primary: str, subject: str) -> str:
        """In one line."""
        carried = f"{self.rate:.3g} requests/s{_ends(self.rate_interval, '.3g')}"
        fewer = f"{self.instances:.2f}{_ends(self.instances_interval, '.2f')} instances for {self.instances_today}"
        return (
            f"at its limit, {100 * self.target:g} % of the requests in time, {primary} carries {self.primary_rate:.3g}"
            f" requests/s and {subject} {carried}: the same SLO attainment with {fewer}"
        )


def saving(holdout: Holdout, policy: Policy) -> Saving | None:
    """What a policy saves; None if there are no SLOs, or one of the limits is not near today's rate."""
    problem, factors = holdout.settings.problem.nominal, rate_factors(REACH)
    if problem.fitness.good_share(holdout.reported(problem.against)[0].outcome) is None:
        return None

    def shares(policy: Policy, place: int) -> list[float]:
        return _shares(holdout, policy, factors[place])

    limit = boundary(lambda place: [fmean(shares(problem.against, place)) - TARGET], len(factors)).place
    if not limit:
        return None
    kept = shares(problem.against, limit)

    def margins(place: int) -> list[float]:
        return [share - other for share, other in zip(shares(policy, place), kept, strict=True)]

    edge = boundary(margins, len(factors))
    if not edge.place:
        return None
    ends = None if len(kept) == 1 or edge.high is None else (factors[edge.high], factors[edge.low or 0])
    return _saving(holdout, factors[limit], factors[edge.place], ends)


def _shares(holdout: Holdout, policy: Policy, factor: float) -> list[float]:
    """By table the share of the requests in time, at so many times today's rate."""
    problem = holdout.settings.problem.nominal
    world = holdout.elsewhere(problem.on(problem.traffic.faster(factor)))
    (found,) = world.performances([policy])
    return [problem.fitness.good_share(one.outcome) or 0.0 for one in found]


def _saving(holdout: Holdout, primary: float, policy: float, ends: tuple[float, float] | None) -> Saving:
    """From limits, as factors on today's rate."""
    problem = holdout.settings.problem
    rate, instances = _rate(holdout), problem.scenario.cluster.instances
    return Saving(
        TARGET,
        rate * primary,
        rate * policy,
        ends and (rate * ends[0], rate * ends[1]),
        instances,
        instances * primary / policy,
        ends and (instances * primary / ends[1], instances * primary / ends[0]),
    )


def _rate(holdout: Holdout) -> float:
    """Today's requests per second, in the mean over the report tables."""
    tables = [holdout.settings.problem.table(key) for key in holdout.report.seeds]
    return fmean((len(one) - 1) / max(int(one.arrival_us[-1] - one.arrival_us[0]), 1) * US_PER_S for one in tables)


def _ends(interval: Sequence[float] | None, form: str) -> str:
    return "" if interval is None else f" [{interval[0]:{form}}, {interval[1]:{form}}]"
