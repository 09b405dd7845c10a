"""An explanation for the terminal: what the policy needs, how far its numbers may be moved, who gains and who pays."""

from __future__ import annotations

from collections.abc import Sequence

from blis.comparison.gain import gain
from blis.text import aligned
from search.explanation.explanation import Explanation
from search.explanation.groups import Group
from search.explanation.slices import CLIFF, FACTORS


def explained(explanation: Explanation, primary: str) -> str:
    """A few lines; verdict.json has the rest. primary: the baseline that the policy differs from."""
    parts = [
        _needed(explanation, primary),
        _cliffs(explanation),
        *_who(explanation.groups),
        *_served(explanation.groups),
    ]
    return "\n".join(filter(None, parts))


def _needed(explanation: Explanation, primary: str) -> str:
    """A row a difference, the most valuable first."""
    rows = [(f"what makes the difference from {primary}", "worth", "95 %")]
    found = sorted(explanation.needed.items(), key=lambda pair: -pair[1].mean)
    rows += [(f"  {key}", *gain(one.mean, one.bounds)) for key, one in found]
    lines = [aligned(rows)] if found else []
    if explanation.given_up:
        lines.append(f"given up, worth nothing: {', '.join(explanation.given_up)}")
    return "\n".join(lines)


def _cliffs(explanation: Explanation) -> str:
    """How far each number may be moved alone until most of the gain is gone."""
    slices = explanation.slices
    cliffs = [f"{key} x {one.cliff:.2g}" for key, one in slices.items() if one.cliff is not None]
    nowhere = ", ".join(key for key, one in slices.items() if one.cliff is None)
    found = [", ".join(cliffs), f"nowhere from x {FACTORS[0]:g} to {FACTORS[-1]:g}: {nowhere}" if nowhere else ""]
    return f"{1 - CLIFF:.0%} of the gain is gone at: {'; '.join(filter(None, found))}" if slices else ""


def _who(groups: Sequence[Group]) -> list[str]:
    """The groups whose latency changes most to either side."""
    changes = {group: _change(group) for group in groups if group.primary_e2e_mean_ms}
    if not changes:
        return []
    best, worst = min(changes, key=lambda one: changes[one]), max(changes, key=lambda one: changes[one])
    told = {"gains most": best, "gains least" if changes[worst] <= 0 else "pays": worst}
    return [
        f"{word}: {group.kind} {group.name}, mean E2E {changes[group]:+z.1%} ({group.requests} requests)"
        for word, group in told.items()
    ]


def _served(groups: Sequence[Group]) -> list[str]:
    """The group of which most fewer requests are completed than before, and the one of which most more are."""
    rising = sorted(groups, key=_more_served)
    told = [("served less", group) for group in rising[:1] if _more_served(group) < 0]
    told += [("served more", group) for group in rising[-1:] if _more_served(group) > 0]
    return [
        f"{word}: {group.kind} {group.name}, {group.completed} completed for {group.primary_completed}"
        f" ({group.requests} requests)"
        for word, group in told
    ]


def _more_served(group: Group) -> float:
    """By how much the share of completed requests rises."""
    return (group.completed - group.primary_completed) / group.requests


def _change(group: Group) -> float:
    """The relative change of the mean E2E latency."""
    assert group.e2e_mean_ms is not None and group.primary_e2e_mean_ms is not None  # both or none
    return group.e2e_mean_ms / group.primary_e2e_mean_ms - 1
