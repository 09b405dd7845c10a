"""`blis-search compare --rank`: what several searches of one problem export, on tables that none of them has seen.

Every pair is compared on the same tables, and Holm's method covers all pairs: it does not matter which turns out first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from pathlib import Path
from typing import Any

from blis.comparison.gain import gain, signed
from blis.comparison.statistics import Comparison, holm
from blis.errors import InputError
from blis.text import aligned
from blis.workload.draw.pools import RANKING_POOL
from blis.yaml_strict import flat_keys
from search.problem.policy import Policy
from search.problem.traffic import drawn_specification
from search.run_folder.recorded import exported_bundle, read_settings
from search.running.evaluator import Evaluator
from search.settings import Settings
from search.verdict.holdout import Holdout
from search.verdict.judgement import SIGNIFICANCE

HEADINGS = ("", "policy", "fitness", "the first against it", "95 % paired t", "p (Holm)")

NAMED = 3  # keys that an error names


@dataclass(frozen=True)
class Ranking:
    """Policies by what they are called, best first.

    scores: means against the reference, a primary baseline; pairs: the better placed against the other, by places.
    """

    names: Sequence[str]
    scores: Sequence[float]
    pairs: Mapping[tuple[int, int], Comparison]
    reference: str
    tables: int

    @property
    def p_holm(self) -> dict[tuple[int, int], float]:
        """P values after Holm, of all pairs."""
        return dict(zip(self.pairs, holm([pair.p_value for pair in self.pairs.values()]), strict=True))

    @property
    def apart(self) -> list[tuple[int, int]]:
        """The pairs of places that are told apart, the better one first."""
        proved = [pair for pair, p in self.p_holm.items() if p < SIGNIFICANCE]
        return [(a, b) if self.pairs[a, b].mean > 0 else (b, a) for a, b in proved]

    def __str__(self) -> str:
        """A table, what is told apart, and on what that stands."""
        told = ", ".join(f"{a + 1} > {b + 1}" for a, b in self.apart) or "none"
        stands = f"fitness against {self.reference} on {self.tables} tables of {RANKING_POOL}, which no search saw"
        last = f"told apart (p below {SIGNIFICANCE:g}, Holm over {len(self.pairs)} pairs): {told}\n{stands}"
        return f"{aligned([HEADINGS, *self._rows()])}\n\n{last}"

    def _rows(self) -> Iterator[tuple[str, ...]]:
        p_holm = self.p_holm
        for place, (name, score) in enumerate(zip(self.names, self.scores, strict=True)):
            mine = str(place + 1), name, signed(score)
            pair = self.pairs.get((0, place))
            found = ("", "", "")
            if pair is not None:
                found = *gain(pair.mean, pair.bounds), f"{p_holm[0, place]:.3g}"
            yield *mine, *found


def rank(folders: Sequence[Path], tables: int) -> Ranking:
    """What the searches in these folders export, and their primary baselines, each against all others.

    Raises InputError for folders of different problems, and for a trace, of which there are no fresh tables.
    """
    if len(folders) < 2:
        raise InputError("--rank compares two run folders or more")
    settings = [read_settings(folder) for folder in folders]
    _check_one_problem(folders, settings)
    first = settings[0]
    drawn_specification(first.problem.traffic)
    policies, names = _entrants(folders, settings)
    fresh = Evaluator(first.problem.nominal, first.pool(RANKING_POOL, tables), first.workers)
    holdout, reference = Holdout(first), [first.problem.against]
    score = {key: holdout.against(policy, reference, fresh)[0].mean for key, policy in policies.items()}
    placed = sorted(policies, key=lambda policy_id: -score[policy_id])
    pairs = {}
    for a, b in combinations(range(len(placed)), 2):
        (found,) = holdout.against(policies[placed[a]], [policies[placed[b]]], fresh)
        assert isinstance(found, Comparison)  # of drawn tables
        pairs[a, b] = found
    return Ranking([names[one] for one in placed], [score[one] for one in placed], pairs, first.primary, tables)


def _check_one_problem(folders: Sequence[Path], settings: Sequence[Settings]) -> None:
    """Raise InputError unless all searches have one scenario, one workload and one fitness."""
    problems = [_problem(one) for one in settings]
    for folder, problem in zip(folders, problems, strict=True):
        different = [key for key in {**problems[0], **problem} if problems[0].get(key) != problem.get(key)]
        if different:
            named = ", ".join(different[:NAMED]) + (", …" if len(different) > NAMED else "")
            raise InputError(f"{folder} is of another problem than {folders[0]}: they differ in {named}")


def _problem(settings: Settings) -> dict[str, Any]:
    """What gives policies their scores, by dotted keys."""
    return flat_keys({**settings.problem.identity(), "fitness": settings.config["fitness"]})


def _entrants(folders: Sequence[Path], settings: Sequence[Settings]) -> tuple[dict[str, Policy], dict[str, str]]:
    """Policies and what they are called, both by id; who exports what others do shares a place with them."""
    problem = settings[0].problem
    exported = ((str(folder), problem.policy(exported_bundle(folder))) for folder in folders)
    primaries = ((one.primary, problem.policy(one.problem.baseline)) for one in settings)
    policies: dict[str, Policy] = {}
    names: dict[str, dict[str, None]] = {}
    for name, policy in chain(exported, primaries):
        policies.setdefault(policy.id, policy)
        names.setdefault(policy.id, {})[name] = None
    return policies, {policy_id: " = ".join(found) for policy_id, found in names.items()}
