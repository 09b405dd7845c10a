"""Whether a verdict can mean anything: said before all else where it cannot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from statistics import fmean
from typing import Any

from blis.evaluation.load import Load
from search.running.performance import Performance
from search.settings import Settings
from search.space.parameters import is_free

ROUTING, SCALING = "routing.", "autoscaling."  # beginnings of their space keys

#: Where a smaller share of the requests waits, there is room for all: whoever decides, nearly all are served at once.
FEW = 0.01


@dataclass(frozen=True)
class Situation:
    """What the primary baseline meets on the report tables, in means over them, and whether that is a question.

    wanted: the utilisation for which the instances were chosen, if they were. good_share: of the scored requests,
    those that met every SLO; None if the fitness has none. doubts: sentences.
    """

    wanted: float | None
    load: Load
    good_share: float | None
    doubts: tuple[str, ...]

    @property
    def preface(self) -> tuple[str, ...]:
        """What a verdict begins with: the doubts, and the load that it was found under."""
        return (*self.doubts, f"Load: instances {rates(self.load)}.") if self.doubts else ()

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {**asdict(self.load), "good_share": self.good_share}

    def __str__(self) -> str:
        """In words."""
        chosen = "" if self.wanted is None else f", chosen for workload.utilisation {self.wanted:g}"
        instances = f"{round(self.load.instances, 2):g} instance{'' if self.load.instances == 1 else 's'}"
        waited = f"{self.load.waited_share:.1%} of the requests waited or were not served"
        return f"{instances}{chosen}, {rates(self.load)}, {waited}"


def situation(settings: Settings, primary: Sequence[Performance]) -> Situation:
    """The situation. primary: what the primary baseline did on each report table."""
    problem, loads = settings.problem, [found.closely.load for found in primary]
    load = Load(*(fmean(getattr(one, field.name) for one in loads) for field in fields(Load)))
    shares = [problem.fitness.good_share(found.outcome) for found in primary]
    known = [share for share in shares if share is not None]
    good_share = fmean(known) if known else None
    doubts = []
    if problem.against.scenario.cluster.places == 1 and _only_routing(settings):
        doubts.append("Routing cannot matter: there is one instance, and the search space varies nothing else.")
    if not problem.fitness.counts_cost:  # else who has more than enough is where something is to be won
        doubts += _nothing_to_win(settings.primary, load.waited_share, good_share)
        if any(key.startswith(SCALING) for key in _free(settings)):
            doubts.append(
                "More instances cost nothing: the search space has autoscaling, and fitness.weights.cost is 0."
            )
    return Situation(problem.traffic.mapping().get("utilisation"), load, good_share, tuple(doubts))


def _nothing_to_win(primary: str, waited_share: float, good_share: float | None) -> Iterator[str]:
    """Why no policy can serve requests any better."""
    if waited_share == 0:
        yield f"There is room for all: under {primary} no request ever waits."
    elif waited_share < FEW:
        yield f"There is room for nearly all: under {primary} only {waited_share:.2%} of the requests ever wait."
    if good_share == 1:
        yield f"There is no target to win: {primary} meets every SLO for every request."


def rates(load: Load) -> str:
    """A load in words: of the instances, what they do and get."""
    offered = f"{load.offered_per_s:.3g} requests/s offered, {load.served_per_s:.3g} served"
    return f"computing {load.utilisation:.1%} of the time, {offered}"


def _only_routing(settings: Settings) -> bool:
    """Whether the search varies nothing but where requests go."""
    return all(key.startswith(ROUTING) for key in _free(settings))


def _free(settings: Settings) -> list[str]:
    """What the search varies."""
    return [key for key, parameter in settings.space.parameters.items() if is_free(parameter)]
