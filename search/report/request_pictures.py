"""Pictures of requests by class: how many were served within a time, and how the wait went over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from search.report.finished import FOUND
from search.report.requests import MEASURES, ClassOfRequests, Seconds
from search.report.svg import POLICY, PRIMARY, RULE, Picture, axes_of, picture, plain_ticks

#: Shares at which a distribution is drawn: evenly, and its tail more closely.
SHARES = np.concatenate([np.linspace(0, 0.95, 77), np.linspace(0.955, 1, 20)])


def colours(policies: Sequence[str], primary: str) -> dict[str, str]:
    """A colour a policy, the same in every picture and in the words beside them."""
    return {name: {FOUND: POLICY, primary: PRIMARY}.get(name, RULE) for name in policies}


def class_pictures(one: ClassOfRequests, primary: str) -> list[Picture]:
    """A distribution a measure, and the wait over time."""
    colour = colours(list(one.over_time), primary)
    drawn = [_distribution(one, measure, colour) for measure in MEASURES]
    return [*drawn, _over_time(one, colour)]


def _distribution(one: ClassOfRequests, measure: str, colour: Mapping[str, str]) -> Picture:
    """The share of the requests for which it took at most so long; lines end below 1 where some were never served."""
    axes = axes_of()
    for name, seconds in one.waits[measure].items():
        at = _quantiles(seconds)
        axes.plot(at, SHARES[: len(at)], color=colour[name], linewidth=1.4)
    axes.set_xscale("log")
    axes.set_ylim(0, 1.02)
    plain_ticks(axes, "x")
    axes.set_xlabel("seconds")
    return picture(axes, f"{one.name} {measure}", measure.capitalize())


def _quantiles(seconds: Seconds) -> Seconds:
    """The times at SHARES, as many as are finite; nothing is shorter than a microsecond, which a log axis can show."""
    if len(seconds) == 0:
        return seconds
    found = np.quantile(seconds, SHARES, method="inverted_cdf")
    return np.maximum(found[np.isfinite(found)], 1e-6)


def _over_time(one: ClassOfRequests, colour: Mapping[str, str]) -> Picture:
    axes = axes_of()
    for name, line in one.over_time.items():
        axes.plot(one.time, line, color=colour[name], linewidth=1.2)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("arrival, seconds")
    return picture(axes, f"{one.name} over time", "First token over time")
