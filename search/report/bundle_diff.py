"""What changes: two policies as YAML, line against line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from typing import NamedTuple

from blis.config import Scorer
from blis.policies.bundle import PolicyBundle, bundle_mapping
from blis.yaml_strict import yaml_text
from search.problem.genes import in_order
from search.problem.policy import Policy

SAME, GONE, NEW = " ", "−", "+"


class Line(NamedTuple):
    """mark: SAME, GONE or NEW."""

    mark: str
    text: str


def bundle_diff(before: Policy, after: Policy) -> Sequence[Line]:
    """Every line of two policies with all that they decide, what only one of them has marked.

    A line is held against the one of the same key: `weight: 3` of one scorer is never another scorer's. Scorers, which
    act alike in any order, stand in that of the first policy.
    """
    order = before.complete.routing.scorers or ()
    one, other = (list(_by_key(_text(policy.complete, order))) for policy in (before, after))
    keys, new_keys = ([key for key, _ in lines] for lines in (one, other))
    found: list[Line] = []
    for kind, low, high, new_low, new_high in SequenceMatcher(None, keys, new_keys, autojunk=False).get_opcodes():
        gone, new = ([text for _, text in lines] for lines in (one[low:high], other[new_low:new_high]))
        pairs = zip(gone, new, strict=True) if kind == "equal" else ()
        found += [line for pair in pairs for line in _pair(*pair)]
        if kind != "equal":
            found += [*(Line(GONE, text) for text in gone), *(Line(NEW, text) for text in new)]
    return found


def _pair(gone: str, new: str) -> Sequence[Line]:
    """The lines of one key of both."""
    return [Line(SAME, gone)] if gone == new else [Line(GONE, gone), Line(NEW, new)]


def _by_key(lines: Sequence[str]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Each line with its key and those above it; an item of a list is its own key."""
    above: list[tuple[int, str]] = []
    for line in lines:
        text = line.lstrip()
        item = text.startswith("- ")
        indent = len(line) - len(text) + item  # below the list's key, though YAML has both in one column
        while above and above[-1][0] >= indent:
            above.pop()
        above.append((indent, text if item else text.partition(":")[0]))
        yield tuple(key for _, key in above), line


def _text(bundle: PolicyBundle, order: tuple[Scorer, ...]) -> Sequence[str]:
    """The lines of a bundle, scorers in an order, each with its share of all weights."""
    scorers = in_order(bundle.routing.scorers or (), order)
    mapping = bundle_mapping(replace(bundle, routing=replace(bundle.routing, scorers=scorers or None)))
    for scorer in mapping.get("routing", {}).get("scorers", ()):
        share = scorer["weight"] / sum(one.weight for one in scorers)
        scorer["weight"] = f"{scorer['weight']} ({share:.0%} of all)"
    return yaml_text(mapping).splitlines()
