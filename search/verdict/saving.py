"""What a policy saves in instances: how much more of the same traffic it carries before promises break.

The limit of a policy on a table is the highest rate at which it keeps TARGET of the table's requests in time. As many
times as it is higher than that of the primary baseline, as many times fewer instances carry what is carried today.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from statistics import fmean
from typing import Any

from blis.comparison.statistics import paired_t_interval
from blis.sizing.bisection import first_place
from blis.sizing.sizing import rate_factors
from search.problem.policy import Policy
from search.problem.traffic import TableKey
from search.running.evaluator import Evaluator
from search.verdict.holdout import Holdout

TARGET = 0.95  # of the requests meet every SLO
REACH = 4.0  # times as high and as low a rate are looked at


@dataclass(frozen=True)
class Saving:
    """Requests per second, and instances that carry what those of the primary baseline do.

    In the mean over tables; rate_interval, instances_interval: 95 %, None on a trace.
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
    """What a policy saves; None if there are no SLOs, or a limit is not within REACH times today's rate.

    None, too, where either lets instances come and go: how many there are is then no number.
    """
    problem = holdout.settings.problem.nominal
    if any(one.scenario.cluster.autoscaling.any for one in (problem.against, policy)):
        return None
    if problem.fitness.good_share(holdout.reported(problem.against)[0].outcome) is None:
        return None
    worlds = {factor: _at(holdout, factor) for factor in rate_factors(REACH)}
    primary, ours = (_limits(worlds, one) for one in (problem.against, policy))
    if primary is None or ours is None:
        return None
    today, instances = _rate(holdout), problem.scenario.cluster.instances
    rates = [today * limit for limit in ours]
    needed = [instances * theirs / limit for theirs, limit in zip(primary, ours, strict=True)]
    return Saving(
        TARGET,
        today * fmean(primary),
        fmean(rates),
        _interval(rates),
        instances,
        fmean(needed),
        _interval(needed),
    )


def _at(holdout: Holdout, factor: float) -> Evaluator:
    """Where the rate is so many times today's: on today's own tables where it is the same."""
    problem = holdout.settings.problem.nominal
    return holdout.report if factor == 1 else holdout.elsewhere(problem.on(problem.traffic.faster(factor)))


def _limits(worlds: Mapping[float, Evaluator], policy: Policy) -> list[float] | None:
    """By table the limit of a policy, as a factor on today's rate; None if one of them is beyond what is tried.

    worlds: by factor, from the highest to the lowest.
    """
    factors, first = list(worlds), next(iter(worlds.values()))

    def holds(key: TableKey, place: int) -> bool:
        world = worlds[factors[place]]
        ((found,),) = world.performances([policy], [key])
        return (world.problem.fitness.good_share(found.outcome) or 0.0) >= TARGET

    places = [first_place(partial(holds, key), len(factors)) for key in first.seeds]
    known = [place for place in places if place]
    return [factors[place] for place in known] if len(known) == len(places) else None


def _interval(numbers: Sequence[float]) -> tuple[float, float] | None:
    """Of the mean of what cannot be negative."""
    if len(numbers) == 1:
        return None
    low, high = paired_t_interval(numbers)
    return max(low, 0.0), high


def _rate(holdout: Holdout) -> float:
    """Today's requests per second, in the mean over the report tables."""
    tables = [holdout.settings.problem.table(key) for key in holdout.report.seeds]
    return fmean(table.offered_per_s for table in tables)


def _ends(interval: Sequence[float] | None, form: str) -> str:
    return "" if interval is None else f" [{interval[0]:{form}}, {interval[1]:{form}}]"
