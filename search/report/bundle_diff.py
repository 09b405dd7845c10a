"""What changes: two policies as YAML, line against line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from typing import NamedTuple

from blis.policies.bundle import PolicyBundle, bundle_mapping
from blis.yaml_strict import yaml_text
from search.problem.policy import Policy

SAME, GONE, NEW = " ", "−", "+"


class Line(NamedTuple):
    """mark: SAME, GONE or NEW."""

    mark: str
    text: str


def bundle_diff(before: Policy, after: Policy) -> Sequence[Line]:
    """Every line of two policies with all that they decide, what only one of them has marked.

    Scorers, which act alike in any order, stand in that of the first policy.
    """
    order = [scorer.name for scorer in before.complete.routing.scorers or ()]
    one, other = (_text(policy.complete, order) for policy in (before, after))
    found: list[Line] = []
    for kind, low, high, new_low, new_high in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if kind == "equal":
            found += [Line(SAME, text) for text in one[low:high]]
        else:
            found += [Line(GONE, text) for text in one[low:high]]
            found += [Line(NEW, text) for text in other[new_low:new_high]]
    return found


def _text(bundle: PolicyBundle, order: Sequence[str]) -> Sequence[str]:
    """The lines of a bundle, scorers in an order, others behind them."""
    if bundle.routing.scorers:
        names = [*order, *(scorer.name for scorer in bundle.routing.scorers)]
        scorers = tuple(sorted(bundle.routing.scorers, key=lambda scorer: names.index(scorer.name)))
        bundle = replace(bundle, routing=replace(bundle.routing, scorers=scorers))
    return yaml_text(bundle_mapping(bundle)).splitlines()
