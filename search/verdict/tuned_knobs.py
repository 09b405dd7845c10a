"""The primary baseline with its engine knobs searched alone: what anybody could set without a new policy.

Source: default-problem.md section 3. The search is a small one by the same driver on the same tables; its best few
are rounded, and one of them or the primary itself is chosen on the selection tables, as the winner is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from blis.policies.bundle import given_fields
from search.problem.policy import Policy
from search.running.archive import Archive
from search.running.candidates import make_candidates
from search.running.evaluator import Evaluator
from search.running.loop import run_search
from search.settings import TUNED_KNOBS, Settings
from search.space.parameters import is_free
from search.space.space import Space
from search.verdict.finalists import best_of, choose_finalists

KNOBS = "engine."  # beginning of their space keys


@dataclass(frozen=True)
class TunedKnobs:
    """name: among the baselines. candidates, share: of the search, and of the main one's budget.

    flaw: why there is none.
    """

    name: str
    policy: Policy | None = None
    candidates: int = 0
    share: float = 0.0
    flaw: str = ""

    @property
    def baselines(self) -> Mapping[str, Policy]:
        """What it adds to the baselines."""
        return {} if self.policy is None else {self.name: self.policy}

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        if self.policy is None:
            return {"name": self.name, "flaw": self.flaw}
        engine = given_fields(self.policy.complete.engine)
        return {"name": self.name, "engine": engine, "candidates": self.candidates, "share": self.share}


def tune_knobs(settings: Settings, evaluator: Evaluator, selection: Evaluator) -> TunedKnobs:
    """Search them. evaluator: the main search's, on its tables; selection: on those on which winners are chosen."""
    name, share, space = (
        settings.primary + TUNED_KNOBS,
        settings.validation.tuned_knobs_share,
        knob_space(settings.space),
    )
    if space is None or not share:
        flaw = "the search space names no engine knob" if space is None else "validation.tuned_knobs_share is 0"
        return TunedKnobs(name, flaw=f"not searched: {flaw}")
    candidates, primary = math.ceil(share * settings.driver.budget), settings.problem.against
    small = replace(
        settings,
        space=space,
        baselines={settings.primary: primary},
        driver=replace(settings.driver, budget=candidates + 1, seconds=None, journal=None),
    )
    archive = Archive(tuple(space), settings.problem.fitness.terms)
    run_search(make_candidates(small), evaluator, small.driver, archive)
    policies = [primary, *(finalist.policy for finalist in choose_finalists(small, archive, evaluator))]
    best = best_of([found.fitness for found in selection.evaluate(policies)])
    return TunedKnobs(name, policies[best or 0].spelled_out(), len(archive.rows) - 1, share)


def knob_space(space: Space) -> Space | None:
    """The engine knobs of a space, None if it varies none; they depend on each other alone."""
    knobs = {key: parameter for key, parameter in space.parameters.items() if key.startswith(KNOBS)}
    if not any(map(is_free, knobs.values())):
        return None
    conditions = {
        key: {other: values for other, values in when.items() if other in knobs}
        for key, when in space.conditions.items()
        if key in knobs
    }
    return Space(knobs, conditions)
