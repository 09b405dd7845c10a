"""What is said at the end of a search, in facts; `to_dict` is the content of verdict.json.

Nothing here depends on the clock, the machine or paths. Source: default-problem.md section 3.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import fmean
from typing import Any

from blis.comparison.statistics import AnyComparison
from blis.policies.bundle import bundle_mapping
from search.problem.policy import Policy
from search.problem.traffic import TableKey
from search.running.performance import Measures
from search.verdict.advice import Advice
from search.verdict.judgement import Judgement
from search.verdict.meaning import Situation
from search.verdict.numbers import comparison_dict
from search.verdict.outlook import Outlook
from search.verdict.tuned_knobs import TunedKnobs

#: Outcomes beside those of a judgement.
INTERRUPTED, FAILED = "interrupted", "failed"


@dataclass(frozen=True)
class Question:
    """Against what, on which requests, and whether another run would say the same."""

    primary: str
    seed: int
    reproducible: bool
    pools: Mapping[str, Any]  # what the traffic says of each
    latency_model: Mapping[str, Any] = field(default_factory=dict)  # what step times stand on

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return dict(vars(self))


@dataclass(frozen=True)
class Winner:
    """Scores against the primary baseline: as found and as exported on the search tables, then on fresh ones.

    set_back: differences from that baseline that cost nothing, and were given up.
    """

    genome_id: str
    search: float
    search_rounded: float
    selection: float
    report: float
    set_back: tuple[str, ...] = ()

    @property
    def optimism(self) -> float:
        """How much too good it looked."""
        return self.search - self.report


@dataclass(frozen=True)
class RandomPolicies:
    """Scores on the report tables of policies with random router weights; `n` of them have one."""

    n: int
    median: float | None
    best: float | None


@dataclass(frozen=True)
class Redrawn:
    """The winner against the primary baseline with other tenants and prefixes."""

    comparison: AnyComparison
    workload_seed: int


@dataclass(frozen=True)
class Measured:
    """What the winner and the primary baseline did on each report table, in numbers of everyday use."""

    tables: Sequence[TableKey]
    winner: Sequence[Measures]
    primary: Sequence[Measures]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        pairs = zip(self.tables, self.winner, strict=True)
        return {
            "winner_mean": mean_of(self.winner),
            "primary_mean": mean_of(self.primary),
            "winner_by_table": [{"table": key, **numbers(found)} for key, found in pairs],
        }


@dataclass(frozen=True)
class Proof:
    """What fresh tables say of the winner, and what stands beside that.

    baselines: the winner against each; p_holm: their p values after Holm, where there are any. knobs_alone,
    policy_alone: what half of the winner is worth against the primary baseline.
    """

    judgement: Judgement
    winner: Winner
    best_baseline: str  # on the selection tables
    baselines: Mapping[str, AnyComparison]
    p_holm: Mapping[str, float]
    tuned_knobs: TunedKnobs
    knobs_alone: AnyComparison
    policy_alone: AnyComparison
    redrawn: Redrawn | None  # a trace has no other population
    random: RandomPolicies
    measured: Measured
    situation: Situation

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        facts = {
            **self.judgement.to_dict(),
            "winner": asdict(self.winner),
            "optimism": self.winner.optimism,
            "best_baseline": self.best_baseline,
            "baselines": {name: comparison_dict(c, self.p_holm.get(name)) for name, c in self.baselines.items()},
            "tuned_knobs": self.tuned_knobs.to_dict(),
            "split": {
                "knobs_alone": comparison_dict(self.knobs_alone),
                "policy_alone": comparison_dict(self.policy_alone),
            },
            "random_policies": asdict(self.random),
            "measured": self.measured.to_dict(),
            "load": self.situation.to_dict(),
            "doubts": list(self.situation.doubts),
        }
        if self.redrawn is not None:
            redrawn = {**comparison_dict(self.redrawn.comparison), "workload_seed": self.redrawn.workload_seed}
            facts["redrawn_population"] = redrawn
        return facts


@dataclass(frozen=True)
class SoFar:
    """What is known of a search that was not judged. genome_id, search: of its best policy, if it has one."""

    candidates: int
    genome_id: str = ""
    search: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        best = {"winner": {"genome_id": self.genome_id, "search": self.search}} if self.genome_id else {}
        return {"candidates": self.candidates, **best}


@dataclass(frozen=True)
class Verdict:
    """outcome: a word for it; candidate: the best of the search, None if it has none; advice: what is exported."""

    outcome: str
    sentence: str
    candidate: Policy | None
    advice: Advice
    question: Question
    evidence: Proof | SoFar
    outlook: Outlook | None = None  # of what is exported; None if nothing was judged

    @property
    def proof(self) -> Proof | None:
        """The evidence if it proves anything."""
        return self.evidence if isinstance(self.evidence, Proof) else None

    @property
    def against_primary(self) -> AnyComparison | None:
        """The comparison that the verdict rests on."""
        return None if self.proof is None else self.proof.baselines[self.question.primary]

    def to_dict(self) -> dict[str, Any]:
        """Everything but the policies, as plain data."""
        said = {"outcome": self.outcome, "sentence": self.sentence}
        advice = {"kind": self.advice.kind, "name": self.advice.name}
        if self.advice.against is not None:
            advice |= comparison_dict(self.advice.against)
        outlook = {} if self.outlook is None else self.outlook.to_dict()
        return {**said, "advice": advice, **self.question.to_dict(), **self.evidence.to_dict(), **outlook}

    def json_text(self, origin: Mapping[str, str], explanation: Mapping[str, Any] | None = None) -> str:
        """verdict.json: sorted keys, numbers with every digit. origin: where it comes from; explanation: why."""
        policies = {"policy": self.advice.policy, "candidate": self.candidate}
        bundles = {name: policy and bundle_mapping(policy.bundle) for name, policy in policies.items()}
        content = {**self.to_dict(), **origin, **bundles, "explanation": explanation}
        return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def mean_of(measures: Sequence[Measures]) -> dict[str, float | None]:
    """The mean of each number over the tables on which it was measured, None if it was on none."""
    by_table = [numbers(found) for found in measures]
    known = {name: [value for found in by_table if (value := found[name]) is not None] for name in by_table[0]}
    return {name: fmean(values) if values else None for name, values in known.items()}


def numbers(found: Measures) -> dict[str, float | None]:
    """Numbers by name; nothing was measured where nothing was completed."""
    nothing = dict.fromkeys(asdict(found), None)
    return asdict(found) if found.completed_requests else {**nothing, "completed_requests": 0}
