"""What may be said about a winner: the judgement, the sentence for people, the numbers for verdict.json.

Nothing here depends on the clock, the machine or paths. Source: default-problem.md section 3.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from blis.comparison.statistics import BlockComparison, Comparison
from blis.policies.bundle import bundle_mapping
from search.problem.policy import Policy

AnyComparison = Comparison | BlockComparison

WINNER = "winner"
HARDLY_WORTH = "better, but hardly worth deploying"
NO_WINNER = "no significant winner"
NO_INTERVAL = "no interval"
INTERRUPTED = "interrupted"
FAILED = "failed"

SIGNIFICANCE = 0.05

#: Intervals by their key in the facts of a comparison.
INTERVALS = {"t": "95 % paired t", "bca": "95 % BCa", "interval": "95 % block bootstrap"}

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
    policy: Policy
    facts: Mapping[str, Any]

    def json_text(self) -> str:
        """verdict.json: sorted keys, numbers with every digit."""
        content = {
            **self.facts,
            "outcome": self.outcome,
            "sentence": self.sentence,
            "policy": bundle_mapping(self.policy.bundle),
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
    unknown: tuple[str, ...]  # there is no interval

    def facts(self) -> dict[str, Any]:
        """What verdict.json says of it."""
        return {
            "beats_all": self.beats_all,
            "beats": list(self.beats),
            "ties": list(self.ties),
            "loses_to": list(self.loses_to),
            "unknown": list(self.unknown),
        }


def judge(comparisons: Mapping[str, AnyComparison], holm: Mapping[str, float], primary: str, worth: float) -> Judgement:
    """The judgement from winner-against-baseline comparisons and their Holm-adjusted p values.

    "All" needs every lower bound above zero and no correction; naming a part of them needs Holm, where there
    are p values. A tie is an interval that holds zero; a comparison without an interval proves nothing.
    """
    bounds = {name: c.bounds for name, c in comparisons.items() if c.bounds is not None}
    above = [name for name, (low, _) in bounds.items() if low > 0]
    beats_all = len(above) == len(comparisons)
    return Judgement(
        outcome=_outcome(bounds.get(primary), worth),
        beats_all=beats_all,
        beats=tuple(name for name in above if beats_all or holm.get(name, 0.0) < SIGNIFICANCE),
        ties=tuple(name for name, (low, high) in bounds.items() if low <= 0 <= high),
        loses_to=tuple(name for name, (_, high) in bounds.items() if high < 0),
        unknown=tuple(name for name in comparisons if name not in bounds),
    )


def _outcome(bounds: tuple[float, float] | None, worth: float) -> str:
    """The name for an interval against the primary baseline."""
    if bounds is None:
        return NO_INTERVAL
    return NO_WINNER if bounds[0] <= 0 else HARDLY_WORTH if bounds[0] < worth else WINNER


def sentence(judgement: Judgement, against: AnyComparison, primary: str, best_baseline: str) -> str:
    """The verdict in words."""
    numbers = _numbers(against)
    if judgement.outcome == NO_INTERVAL:
        text = f"Nothing is proved: against {primary} the best policy found scores {numbers}"
    elif judgement.outcome == NO_WINNER:
        text = f"No significant winner: against {primary} the best policy found scores {numbers}"
    elif judgement.outcome == HARDLY_WORTH:
        text = f"Better than {primary}, but hardly worth deploying: {numbers}"
    else:
        text = f"The policy found beats {primary} by {numbers}"
    parts = [text]
    if judgement.beats_all:
        parts.append(f"it beats all {_count(judgement.beats, 'baseline')}")
    elif judgement.beats:
        how = "Holm" if isinstance(against, Comparison) else "each by its own interval"
        parts.append(f"of the baselines it beats {_list(judgement.beats)} ({how})")
    if judgement.ties:
        parts.append(f"simpler and not distinguishably worse: {_list(judgement.ties)}")
    if judgement.loses_to:
        parts.append(f"it loses to {_list(judgement.loses_to)}")
    if judgement.unknown and judgement.outcome != NO_INTERVAL:
        parts.append(f"too short for an interval against {_list(judgement.unknown)}")
    if judgement.outcome in (NO_WINNER, NO_INTERVAL):
        parts.append(f"the best baseline is {best_baseline}")
    return "; ".join(parts) + "."


def _numbers(against: AnyComparison) -> str:
    """The mean, its interval and how that was found."""
    mean = f"{against.mean:+.3f}"
    if isinstance(against, Comparison):
        return f"{mean} {_interval(against.bounds)} (95 %, paired t, {against.n} fresh tables)"
    if against.bounds is None:
        return f"{mean} on this trace, later, but {against.flaw}"
    blocks = f"{against.blocks} blocks of {against.block_us / 1e6:.3g} s"
    return f"{mean} {_interval(against.bounds)} on this trace, later (95 %, block bootstrap, {blocks})"


def comparison_facts(comparison: AnyComparison, p_holm: float | None = None) -> dict[str, Any]:
    """A comparison as plain numbers."""
    if isinstance(comparison, BlockComparison):
        bounds = comparison.bounds
        return {
            "mean": float(comparison.mean),
            "interval": None if bounds is None else list(bounds),
            "blocks": comparison.blocks,
            "block_s": comparison.block_us / 1e6,
        }
    facts = {
        "mean": float(comparison.mean),
        "t": [float(comparison.t_low), float(comparison.t_high)],
        "bca": [float(comparison.bca_low), float(comparison.bca_high)],
        "p": float(comparison.p_value),
        "tables": int(comparison.n),
    }
    return facts if p_holm is None else {**facts, "p_holm": p_holm}


def report(verdict: Verdict) -> str:
    """The verdict for a terminal: the sentence and, if anything was compared, the numbers."""
    if "baselines" not in verdict.facts:
        return verdict.sentence
    return f"{verdict.sentence}\n\n{table(verdict.facts)}\n\n{latencies(verdict.facts)}\n"


def table(facts: Mapping[str, Any]) -> str:
    """The comparisons of a verdict; a fitness of +0.10 is about 10 % better."""
    primary = facts["primary"]
    kinds = [key for key in INTERVALS if key in facts["baselines"][primary]]

    def row(name: str, found: Mapping[str, Any], mark: str = "") -> tuple[str, ...]:
        return name, f"{found['mean']:+.3f}", *(_interval(found[key]) for key in kinds), mark

    def line(name: str, score: float | None = None) -> tuple[str, ...]:
        return name, "" if score is None else f"{score:+.3f}", *("" for _ in kinds), ""

    rows = [("the winner against", "fitness", *(INTERVALS[key] for key in kinds), "")]
    for name, found in facts["baselines"].items():
        mark = "primary" if name == primary else "best on selection" if name == facts["best_baseline"] else ""
        rows.append(row(name, found, mark))
    rows.append(line(f"against {primary}"))
    rows.append(row("  its engine knobs alone", facts["split"]["knobs_alone"]))
    rows.append(row("  its router and admission alone", facts["split"]["policy_alone"]))
    if "redrawn_population" in facts:
        rows.append(row("  on a redrawn population", facts["redrawn_population"]))
    random = facts["random_policies"]
    if random["n"]:
        rows.append(line(f"  {random['n']} random weights: median", random["median"]))
        rows.append(line("  random weights: best", random["best"]))
    rows.append(line("  winner on the search tables", facts["winner"]["search"]))
    rows.append(line("  optimism (search - report)", facts["optimism"]))
    return _aligned(rows)


def latencies(facts: Mapping[str, Any]) -> str:
    """Means over the report tables, the winner's beside the primary baseline's."""
    ours, theirs = facts["measured"]["winner_mean"], facts["measured"]["primary_mean"]
    rows = [(_latency_title(facts), "winner", facts["primary"])]
    for key, name in LATENCY_LINES.items():
        rows.append((f"  {name}", f"{ours[key]:.1f} ms", f"{theirs[key]:.1f} ms"))
    rows.append(
        ("  prompt blocks found in the cache", f"{ours['prompt_hit_rate']:.1%}", f"{theirs['prompt_hit_rate']:.1%}")
    )
    return _aligned(rows)


def _latency_title(facts: Mapping[str, Any]) -> str:
    """Where latencies were measured; `blis run` prints the same numbers."""
    window = isinstance(facts["pools"]["report"], Mapping)
    return "report window and its warm-up" if window else "mean over the report tables"


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(lines)


def _interval(bounds: Sequence[float] | None) -> str:
    return "none" if bounds is None else f"[{bounds[0]:+.3f}, {bounds[1]:+.3f}]"


def _list(names: Sequence[str]) -> str:
    """a, b and c."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _count(names: Sequence[str], noun: str) -> str:
    return f"{len(names)} {noun}{'s' if len(names) != 1 else ''}"
