"""The best few of a search, rounded: what is looked at on fresh requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from search.problem.policy import Policy
from search.running.archive import Archive
from search.running.evaluation import OK, STOPPED
from search.running.evaluator import Evaluator
from search.settings import Settings
from search.verdict.rounding import round_finalists


@dataclass(frozen=True)
class Finalist:
    """A policy of the search, rounded; `search` is what it scored before, `rounded` after, on the search tables.

    Both in the world as it is, as everything that is proved. set_back: differences from the primary baseline without
    which it was found to be as good.
    """

    policy: Policy
    search: float
    rounded: float
    set_back: tuple[str, ...] = ()


def choose_finalists(settings: Settings, archive: Archive, evaluator: Evaluator) -> list[Finalist]:
    """The best different policies of the search, rounded; two that round to the same are one.

    If a race stopped all, those that look best, now on all tables: what is worse than the rules is told by how much.
    """
    rows = archive.top(settings.validation.finalists) or archive.top(settings.validation.finalists, STOPPED)
    policies = [row.policy for row in rows if row.policy is not None]
    pairs = zip(policies, evaluator.evaluate(policies), strict=True)
    scored = [(policy.spelled_out(), seen) for policy, seen in pairs if seen.status == OK]
    scores = [seen.fitness for _, seen in scored if seen.fitness is not None]
    spelled_out = [policy for policy, _ in scored]
    rounded = round_finalists(spelled_out, scores, settings.space, evaluator, settings.validation.rounding_loss)
    found: dict[str, Finalist] = {}
    for (_, seen), (policy, evaluation) in zip(scored, rounded, strict=True):
        assert seen.nominal is not None and evaluation.nominal is not None  # all of them have a score
        found.setdefault(evaluation.genome_id, Finalist(policy, seen.nominal, evaluation.nominal))
    return list(found.values())


def best_of(scores: Sequence[float | None]) -> int | None:
    """The place of the highest score, the first of equals; None if there is none."""
    places = [place for place, score in enumerate(scores) if score is not None]
    return max(places, key=lambda place: (scores[place], -place), default=None)
