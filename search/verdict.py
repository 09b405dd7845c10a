"""What may be said about a winner: the judgement, the sentence for people, the numbers for verdict.json.

Nothing here depends on the clock, the machine or paths. Source: default-problem.md section 3.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from blis.policies.bundle import PolicyBundle, bundle_mapping
from search.statistics import Comparison

WINNER = "winner"
HARDLY_WORTH = "better, but hardly worth deploying"
NO_WINNER = "no significant winner"
INTERRUPTED = "interrupted"
FAILED = "failed"

SIGNIFICANCE = 0.05

LATENCY_LINES = {
    "ttft_mean_ms": "TTFT mean",
    "ttft_p99_ms": "TTFT p99",
    "tpot_mean_ms": "TPOT mean",
    "e2e_mean_ms": "E2E mean",
    "e2e_p99_ms": "E2E p99",
}


@dataclass(frozen=True)
class Verdict:
    """outcome: one of the names above; policy: what is exported; facts: the content of verdict.json."""

    outcome: str
    sentence: str
    policy: PolicyBundle
    facts: Mapping[str, Any]

    def json_text(self) -> str:
        """verdict.json: sorted keys, numbers with every digit."""
        content = {
            **self.facts,
            "outcome": self.outcome,
            "sentence": self.sentence,
            "policy": bundle_mapping(self.policy),
        }
        return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


@dataclass(frozen=True)
class Judgement:
    """Which baselines the winner beats, ties and loses to, and what that makes of it."""

    outcome: str
    beats_all: bool
    beats: tuple[str, ...]
    ties: tuple[str, ...]
    loses_to: tuple[str, ...]

    def facts(self) -> dict[str, Any]:
        """What verdict.json says of it."""
        return {
            "beats_all": self.beats_all,
            "beats": list(self.beats),
            "ties": list(self.ties),
            "loses_to": list(self.loses_to),
        }


def judge(comparisons: Mapping[str, Comparison], holm: Mapping[str, float], primary: str, worth: float) -> Judgement:
    """The judgement from winner-against-baseline comparisons and their Holm-adjusted p values.

    "All" needs every lower bound above zero and no correction; naming a part of them needs Holm. A tie is
    an interval that holds zero.
    """
    beats_all = all(comparison.t_low > 0 for comparison in comparisons.values())
    corrected = [n for n, c in comparisons.items() if c.mean > 0 and c.t_low > 0 and holm[n] < SIGNIFICANCE]
    low = comparisons[primary].t_low
    return Judgement(
        outcome=NO_WINNER if low <= 0 else HARDLY_WORTH if low < worth else WINNER,
        beats_all=beats_all,
        beats=tuple(comparisons) if beats_all else tuple(corrected),
        ties=tuple(name for name, c in comparisons.items() if c.t_low <= 0 <= c.t_high),
        loses_to=tuple(name for name, c in comparisons.items() if c.t_high < 0),
    )


def sentence(judgement: Judgement, against: Comparison, primary: str, best_baseline: str) -> str:
    """The verdict in words."""
    interval = f"[{against.t_low:+.3f}, {against.t_high:+.3f}]"
    numbers = f"{against.mean:+.3f} {interval} (95 %, paired t, {against.n} fresh tables)"
    if judgement.outcome == NO_WINNER:
        text = f"No significant winner: against {primary} the best policy found scores {numbers}"
    elif judgement.outcome == HARDLY_WORTH:
        text = f"Better than {primary}, but hardly worth deploying: {numbers}"
    else:
        text = f"The policy found beats {primary} by {numbers}"
    parts = [text]
    if judgement.beats_all:
        parts.append(f"it beats all {_count(judgement.beats, 'baseline')}")
    elif judgement.beats:
        parts.append(f"of the baselines it beats {_list(judgement.beats)} (Holm)")
    if judgement.ties:
        parts.append(f"simpler and not distinguishably worse: {_list(judgement.ties)}")
    if judgement.loses_to:
        parts.append(f"it loses to {_list(judgement.loses_to)}")
    if judgement.outcome == NO_WINNER:
        parts.append(f"the best baseline is {best_baseline}")
    return "; ".join(parts) + "."


def comparison_facts(comparison: Comparison) -> dict[str, Any]:
    """A comparison as plain numbers."""
    return {
        "mean": float(comparison.mean),
        "t": [float(comparison.t_low), float(comparison.t_high)],
        "bca": [float(comparison.bca_low), float(comparison.bca_high)],
        "p": float(comparison.p_value),
        "tables": int(comparison.n),
    }


def report(verdict: Verdict) -> str:
    """The verdict for a terminal: the sentence and, if anything was compared, the numbers."""
    if "baselines" not in verdict.facts:
        return verdict.sentence
    return f"{verdict.sentence}\n\n{table(verdict.facts)}\n\n{latencies(verdict.facts)}\n"


def table(facts: Mapping[str, Any]) -> str:
    """The comparisons of a verdict; a fitness of +0.10 is about 10 % better."""
    rows = [("the winner against", "fitness", "95 % paired t", "95 % BCa", "")]
    for name, found in facts["baselines"].items():
        mark = "primary" if name == facts["primary"] else "best on selection" if name == facts["best_baseline"] else ""
        rows.append(_row(name, found, mark))
    primary = facts["primary"]
    rows.append((f"against {primary}", "", "", "", ""))
    rows.append(_row("  its engine knobs alone", facts["split"]["knobs_alone"], ""))
    rows.append(_row("  its router and admission alone", facts["split"]["policy_alone"], ""))
    rows.append(_row("  on a redrawn population", facts["redrawn_population"], ""))
    random = facts["random_policies"]
    if random["n"]:
        rows.append((f"  {random['n']} random weights: median", f"{random['median']:+.3f}", "", "", ""))
        rows.append(("  random weights: best", f"{random['best']:+.3f}", "", "", ""))
    scores = facts["winner"]
    rows.append(("  winner on the search tables", f"{scores['search']:+.3f}", "", "", ""))
    rows.append(("  optimism (search - report)", f"{facts['optimism']:+.3f}", "", "", ""))
    return _aligned(rows)


def latencies(facts: Mapping[str, Any]) -> str:
    """Means over the report tables, the winner's beside the primary baseline's."""
    ours, theirs = facts["measured"]["winner_mean"], facts["measured"]["primary_mean"]
    rows = [("mean over the report tables", "winner", facts["primary"])]
    for key, name in LATENCY_LINES.items():
        rows.append((f"  {name}", f"{ours[key]:.1f} ms", f"{theirs[key]:.1f} ms"))
    rows.append(
        ("  prompt blocks found in the cache", f"{ours['prompt_hit_rate']:.1%}", f"{theirs['prompt_hit_rate']:.1%}")
    )
    return _aligned(rows)


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(lines)


def _row(name: str, found: Mapping[str, Any], mark: str) -> tuple[str, str, str, str, str]:
    """A line of the table from the facts of a comparison."""
    return name, f"{found['mean']:+.3f}", _interval(found["t"]), _interval(found["bca"]), mark


def _interval(bounds: Sequence[float]) -> str:
    return f"[{bounds[0]:+.3f}, {bounds[1]:+.3f}]"


def _list(names: Sequence[str]) -> str:
    """a, b and c."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _count(names: Sequence[str], noun: str) -> str:
    return f"{len(names)} {noun}{'s' if len(names) != 1 else ''}"
