"""A judgement in one sentence for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from blis.comparison.gain import gain
from blis.comparison.statistics import BCA, POINT, AnyComparison, Comparison
from search.verdict.advice import KEEP, RULE, Advice
from search.verdict.judgement import HARDLY_WORTH, NO_INTERVAL, NO_WINNER, WINNER, Judgement


def sentence(
    judgement: Judgement, comparisons: Mapping[str, AnyComparison], primary: str, best_baseline: str, tuned: str
) -> str:
    """The verdict in words. comparisons: with each baseline; tuned: the name of the primary with tuned knobs."""
    against = comparisons[primary]
    parts = [_claim(judgement.outcome, _numbers(against), primary)]
    if tuned in comparisons and judgement.outcome in (WINNER, HARDLY_WORTH):
        beyond = comparisons[tuned]
        mean, interval = gain(beyond.mean, beyond.bounds)
        found = interval if beyond.bounds is not None else "(no interval)"
        parts.append(f"beyond tuned engine knobs {mean} {found}")
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


def advice_words(advice: Advice) -> str:
    """What a verdict begins with; nothing if the policy found is to be taken, which the verdict then begins with."""
    if advice.kind == KEEP:
        return f"Keep what you run, {advice.name}."
    if advice.kind == RULE and advice.against is not None:
        return f"Take the rule {advice.name}: against what you run it scores {_numbers(advice.against)}."
    return ""


def _claim(outcome: str, found: str, primary: str) -> str:
    """What is said of the primary baseline, with the numbers."""
    if outcome == NO_INTERVAL:
        return f"Nothing is proved: against {primary} the best policy found scores {found}"
    if outcome == NO_WINNER:
        return f"No significant winner: against {primary} the best policy found scores {found}"
    if outcome == HARDLY_WORTH:
        return f"Better than {primary}, but hardly worth deploying: {found}"
    return f"The policy found beats {primary} by {found}"


def _numbers(against: AnyComparison) -> str:
    """The mean, its interval and how that was found."""
    mean, interval = gain(against.mean, against.bounds)
    if isinstance(against, Comparison) and against.bootstrap == POINT:
        return f"{mean} (the same on all {against.n} fresh tables)"
    if isinstance(against, Comparison):
        return f"{mean} {interval} (95 %, paired t, {against.n} fresh tables)"
    if against.bounds is None:
        return f"{mean} on this trace, later, but {against.flaw}"
    blocks = f"{against.blocks} blocks of {against.block_us / 1e6:.3g} s"
    how = "" if against.bootstrap == BCA else f" ({against.bootstrap})"
    return f"{mean} {interval} on this trace, later (95 %, block bootstrap{how}, {blocks})"


def _list(names: Sequence[str]) -> str:
    """a, b and c."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _count(names: Sequence[str], noun: str) -> str:
    return f"{len(names)} {noun}{'s' if len(names) != 1 else ''}"
