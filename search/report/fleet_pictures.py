"""Pictures of instances that come and go: how many there were under each policy, and what came to them meanwhile."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from blis.comparison.style import MUTED
from blis.evaluation.fleet import instances_over_time
from blis.evaluation.ratios import US_PER_S
from blis.tables.requests import RequestTable
from search.report.request_pictures import colours
from search.report.requests import PARTS, Runs
from search.report.svg import WIDE_INCHES, Picture, axes_of, picture


def fleet_pictures(runs: Mapping[str, Runs], primary: str) -> list[Picture]:
    """Of the first table: instances over time, a line a policy, and arrivals; none where instances stay as they are."""
    if not any(result.fleet is not None for _, result in (made[0] for made in runs.values())):
        return []
    return [_instances(runs, primary), _arrivals(next(iter(runs.values()))[0][0])]


def _instances(runs: Mapping[str, Runs], primary: str) -> Picture:
    """Those that load, serve or drain; they are paid for."""
    axes, colour = axes_of(WIDE_INCHES), colours(list(runs), primary)
    for name, made in runs.items():
        _, result = made[0]
        time_us, count = instances_over_time(result)
        settled = np.diff(time_us, append=np.inf) > 0  # the latest of each instant
        time_us, count = time_us[settled], count[settled]
        end_us = max(result.end_us, int(time_us[-1]))
        axes.step(np.append(time_us, end_us) / US_PER_S, np.append(count, count[-1]), where="post", color=colour[name])
    axes.set_ylim(bottom=0)
    axes.set_xlabel("seconds")
    return picture(axes, "instances over time", "Instances", "that load, serve or drain, on the first report table")


def _arrivals(table: RequestTable) -> Picture:
    came_s = table.soonest_us / US_PER_S
    count, edges = np.histogram(came_s, bins=4 * PARTS)
    axes = axes_of(WIDE_INCHES)
    axes.stairs(count / np.maximum(np.diff(edges), 1e-6), edges, color=MUTED)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("seconds")
    return picture(axes, "arrivals over time", "Requests a second", "that come, of the same table")
