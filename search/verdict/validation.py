"""From the best of a search to a verdict: rounding, selection on fresh requests, one report on others.

Source: default-problem.md section 3. Three disjoint pools of requests: the search saw the first, the winner
and the best baseline are chosen on the second, and only what was chosen runs on the third, once. Of a trace
they are windows, one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any
from zlib import crc32

import numpy as np

from blis.comparison.statistics import Comparison, holm
from blis.policies.bundle import PolicyBundle, load_bundle
from blis.workload.draw.pools import REPORT_POOL, SEARCH_POOL, SELECTION_POOL
from search.problem.policy import Policy
from search.running.archive import Archive
from search.running.evaluator import Evaluator
from search.running.performance import mean_of
from search.settings import Settings
from search.space.parameters import Number
from search.verdict.holdout import Holdout
from search.verdict.rounding import round_finalists
from search.verdict.verdict import FAILED, Verdict, comparison_facts, judge, sentence

#: The weights of the random policies: as the default space draws them, from a stream of their own.
RANDOM_WEIGHT = Number(0.01, 1.0, log=True, zero_probability=0.3)
RANDOM_SCORERS = ("prefix-affinity", "queue-depth", "queue-waiting", "kv-utilization", "load-balance")


@dataclass(frozen=True)
class Finalist:
    """A policy of the search, rounded; `search` is what it scored before, `rounded` after, on the search tables."""

    policy: Policy
    search: float
    rounded: float


def validate(settings: Settings, archive: Archive, evaluator: Evaluator, holdout: Holdout) -> Verdict:
    """The verdict on a finished search. evaluator: the search's, on its tables; holdout: tables that it never saw.

    Raises EngineError if the winner or a baseline has no score on a report table.
    """
    finalists = choose_finalists(settings, archive, evaluator)
    scores = [found.fitness for found in holdout.selection.evaluate([finalist.policy for finalist in finalists])]
    chosen = best_of(scores)
    if chosen is None:
        return unproved(settings, archive, FAILED, "No candidate of the search has a score.")
    winner, baselines = finalists[chosen], list(settings.baselines.values())
    best = best_of([found.fitness for found in holdout.selection.evaluate(baselines)])
    best_baseline = settings.primary if best is None else list(settings.baselines)[best]
    comparisons = dict(zip(settings.baselines, holdout.against(winner.policy, baselines), strict=True))
    # Holm needs p values; a bootstrap over blocks of time gives none.
    p_values = {name: c.p_value for name, c in comparisons.items() if isinstance(c, Comparison)}
    adjusted = dict(zip(p_values, holm(list(p_values.values())), strict=True))
    judgement = judge(comparisons, adjusted, settings.primary, settings.validation.worth)
    primary = comparisons[settings.primary]
    facts = {
        **common_facts(settings),
        **judgement.facts(),
        "winner": {
            "genome_id": winner.policy.id,
            "search": winner.search,
            "search_rounded": winner.rounded,
            "selection": scores[chosen],
            "report": primary.mean,
        },
        "best_baseline": best_baseline,
        "baselines": {name: comparison_facts(c, adjusted.get(name)) for name, c in comparisons.items()},
        "optimism": winner.search - primary.mean,
        **_side_lines(holdout, winner.policy),
    }
    facts["measured"] = measured_facts(holdout, winner.policy)
    text = sentence(judgement, primary, settings.primary, best_baseline)
    return Verdict(judgement.outcome, text, winner.policy, facts)


def choose_finalists(settings: Settings, archive: Archive, evaluator: Evaluator) -> list[Finalist]:
    """The best different policies of the search, rounded; two that round to the same are one."""
    rows = archive.top(settings.validation.finalists)
    policies = [row.policy for row in rows if row.policy is not None]
    scores = [row.evaluation.fitness for row in rows if row.evaluation.fitness is not None]
    rounded = round_finalists(policies, scores, evaluator, settings.validation.rounding_loss)
    found: dict[str, Finalist] = {}
    for score, (policy, evaluation) in zip(scores, rounded, strict=True):
        assert evaluation.fitness is not None  # the rounding kept to what has a score
        found.setdefault(evaluation.genome_id, Finalist(policy, score, evaluation.fitness))
    return list(found.values())


def unproved(settings: Settings, archive: Archive, outcome: str, text: str) -> Verdict:
    """The verdict on a search that was not judged: its best policy so far, without any claim."""
    best = archive.top(1)
    policy = best[0].policy if best else None
    facts = {**common_facts(settings), "candidates": len(archive.rows)}
    if best:
        facts["winner"] = {"genome_id": best[0].evaluation.genome_id, "search": best[0].evaluation.fitness}
    return Verdict(outcome, text, policy or settings.problem.against, facts)


def common_facts(settings: Settings) -> dict[str, Any]:
    """What every verdict says: against what, on which requests, and whether another run would say the same."""
    sizes, traffic = settings.validation, settings.problem.traffic
    return {
        "primary": settings.primary,
        "seed": settings.seed,
        "reproducible": settings.driver.seconds is None,
        "pools": {
            "search": traffic.facts(SEARCH_POOL, sizes.search_seeds),
            "selection": traffic.facts(SELECTION_POOL, sizes.selection_seeds),
            "report": traffic.facts(REPORT_POOL, sizes.report_seeds),
        },
    }


def random_bundles(primary: PolicyBundle, n: int) -> list[PolicyBundle]:
    """Fixed policies with random router weights and the primary baseline's everything else."""
    rng = Random(crc32(b"random-policies"))
    policies: list[PolicyBundle] = []
    while len(policies) < n:
        weights = {name: RANDOM_WEIGHT.sample(rng) for name in RANDOM_SCORERS}
        scorers = [{"name": name, "weight": weight} for name, weight in weights.items() if weight]
        if scorers:
            routing = {"policy": "weighted", "tie_break": "random", "scorers": scorers}
            policies.append(replace(primary, routing=load_bundle({"routing": routing}).routing))
    return policies


def measured_facts(holdout: Holdout, winner: Policy) -> dict[str, Any]:
    """Latencies of the winner on every report table, and means over them beside the primary baseline's."""
    ours, theirs = holdout.measured(winner), holdout.measured(holdout.settings.problem.against)
    return {
        "winner_mean": mean_of(ours).to_dict(),
        "primary_mean": mean_of(theirs).to_dict(),
        "winner_by_table": [
            {"table": key, **found.to_dict()} for key, found in zip(holdout.report.seeds, ours, strict=True)
        ],
    }


def best_of(scores: Sequence[float | None]) -> int | None:
    """The place of the highest score, the first of equals; None if there is none."""
    places = [place for place, score in enumerate(scores) if score is not None]
    return max(places, key=lambda place: (scores[place], -place), default=None)


def _side_lines(holdout: Holdout, winner: Policy) -> dict[str, Any]:
    """What stands beside the comparison: the split, the redrawn population (if there is one), random weights."""
    settings, problem, primary = holdout.settings, holdout.settings.problem, holdout.settings.problem.against
    halves = {
        "knobs_alone": replace(primary.bundle, engine=winner.bundle.engine),
        "policy_alone": replace(winner.bundle, engine=primary.bundle.engine),
    }
    lines: dict[str, Any] = {
        "split": {
            name: comparison_facts(holdout.against(problem.policy(half), [primary])[0]) for name, half in halves.items()
        }
    }
    if holdout.redrawn is not None:
        lines["redrawn_population"] = {
            **comparison_facts(holdout.against(winner, [primary], holdout.redrawn)[0]),
            "workload_seed": holdout.redrawn.problem.workload.seed,
        }
    bundles = random_bundles(primary.bundle, settings.validation.random_policies)
    randoms = holdout.report.evaluate([problem.policy(bundle) for bundle in bundles])
    scores = [found.fitness for found in randoms if found.fitness is not None]
    lines["random_policies"] = {
        "n": len(scores),
        "median": float(np.median(scores)) if scores else None,
        "best": max(scores, default=None),
    }
    return lines
