"""Rows of the page's plain tables: latencies, keys that decided, groups of requests, decisions, other worlds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from search.verdict.report import COMPLETED, INSTANCES, LATENCIES

HITS = "prompt_hit_rate"


@dataclass(frozen=True)
class Change:
    """Two numbers as texts, and by how much the first is above the second, in percent."""

    name: str
    found: str
    primary: str
    percent: float | None

    @property
    def text(self) -> str:
        """The change with its sign."""
        return "" if self.percent is None else f"{self.percent:+z.1f} %"


def latencies(measured: Mapping[str, Any]) -> list[Change]:
    """The policy found beside the primary baseline, means over the report tables."""
    if not measured:
        return []
    found, primary = measured["winner_mean"], measured["primary_mean"]
    rows = [change(name, found.get(key), primary.get(key)) for key, name in LATENCIES.items()]
    done = [measured.get(COMPLETED) for measured in (found, primary)]
    if done[0] != done[1]:  # latencies are of completed requests
        rows.insert(0, change("requests completed", done[0], done[1], unit=""))
    rows.append(Change("prompt blocks found in the cache", _share(found), _share(primary), None))
    instances = [measured.get(INSTANCES) for measured in (found, primary)]
    if instances[0] != instances[1]:
        rows.append(change("instances, mean", instances[0], instances[1], unit=""))
    return rows


def _share(measured: Mapping[str, Any]) -> str:
    return "none" if measured.get(HITS) is None else f"{100 * measured[HITS]:.1f} %"


def change(name: str, found: float | None, primary: float | None, unit: str = " ms") -> Change:
    """Of two numbers, latencies in ms."""
    percent = 100 * (found / primary - 1) if found is not None and primary else None
    return Change(name, _told(found, unit), _told(primary, unit), percent)


def _told(value: float | None, unit: str) -> str:
    return "none" if value is None else f"{value:,.1f}{unit}"


@dataclass(frozen=True)
class GroupRow:
    """One group of requests. left: requests that the policy found does not complete, and the primary baseline."""

    name: str
    requests: int
    faster: str
    e2e: Change
    ttft: Change
    left: tuple[int, int]


def groups(found: Sequence[Mapping[str, Any]]) -> dict[str, list[GroupRow]]:
    """The groups of requests by kind."""
    kinds: dict[str, list[GroupRow]] = {}
    for one in found:
        e2e, ttft = (change("", one[f"{name}_mean_ms"], one[f"primary_{name}_mean_ms"]) for name in ("e2e", "ttft"))
        left = (one["requests"] - one["completed"], one["requests"] - one["primary_completed"])
        faster = "" if one["faster"] is None else f"{one['faster']:.0%}"
        kinds.setdefault(one["kind"], []).append(GroupRow(one["name"], one["requests"], faster, e2e, ttft, left))
    return kinds


@dataclass(frozen=True)
class Seen:
    """What a router saw of one instance, and whether the request went there."""

    instance: int
    facts: Mapping[str, float]
    chosen: bool


@dataclass(frozen=True)
class DecisionRow:
    """A request and the two ways in which it was decided: who decided, where it went, what it saw, how long it took."""

    why: str
    about: str
    sides: Sequence[tuple[str, int, Sequence[Seen], str]]


def decisions(found: Sequence[Mapping[str, Any]], names: tuple[str, str]) -> list[DecisionRow]:
    """Decisions that differ. names: of the policy found and of the primary baseline."""
    rows = []
    for one in found:
        kind = f", class {one['slo_class']}" if one["slo_class"] else ""
        about = f"{one['request_id']}, {one['input_tokens']:,} prompt tokens{kind}, at {one['arrival_s']:.1f}\u00a0s"
        sides = [_side(one, name, prefix) for name, prefix in zip(names, ("", "primary_"), strict=True)]
        rows.append(DecisionRow(one["why"], about, sides))
    return rows


def _side(one: Mapping[str, Any], name: str, prefix: str) -> tuple[str, int, Sequence[Seen], str]:
    chosen, e2e = one[f"{prefix}chosen"], one[f"{prefix}e2e_ms"]
    seen = [Seen(int(place), facts, int(place) == chosen) for place, facts in one[f"{prefix}instances"].items()]
    return name, chosen, seen, "not completed" if e2e is None else f"{e2e / 1000:.2f} s"


def worlds(robust: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Mapping[str, Any]], dict[str, list[str]]]:
    """Comparisons by the shift of the world, and by the reason which others were left out."""
    tried = {one["shift"]: one for one in robust if "left_out" not in one}
    reasons: dict[str, list[str]] = {}
    for one in robust:
        if "left_out" in one:
            reasons.setdefault(one["left_out"], []).append(one["shift"])
    return tried, reasons
