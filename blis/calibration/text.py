"""A calibration as text for the terminal: figures a measure, percentiles, time lines, and what to know about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from blis.calibration.compare import Comparison
from blis.calibration.configuration import MATCHED
from blis.calibration.pairs import Counts
from blis.calibration.report import Calibration
from blis.text import aligned

_NOTHING = "–"

Row = tuple[str, ...]


def calibration_text(found: Calibration) -> str:
    """All of it, in blocks."""
    blocks = [
        f"{found.source}: {_counts(found.pairs.counts)}",
        _figures(found),
        _percentiles(found.metrics),
        _makespan(found),
        _timelines(found),
        _configuration(found),
        f"latency model: {found.latency_model}",
        _listed("not modelled", found.limitations),
        _listed("notes", found.notes),
    ]
    return "\n\n".join(block for block in blocks if block)


def _counts(counts: Counts) -> str:
    """What became of the requests: those that are compared, and others where there are any."""
    rest = {name: number for name, number in vars(counts).items() if name not in ("requests", "matched") and number}
    parts = [f"{counts.requests} requests", f"{counts.matched} compared"]
    return ", ".join(parts + [f"{number} {name.replace('_', ' ')}" for name, number in rest.items()])


def _figures(found: Calibration) -> str:
    """A line a measure, then the same of every class."""
    rows: list[Row] = [("", "n", "MAPE %", "median %", "bias %", "r", "KS", "quality")]
    rows += [_figure(name, comparison) for name, comparison in found.metrics.items()]
    rows.append(_figure("ttft, never queued", found.unqueued))
    for label, metrics in found.classes.items():
        rows += [_figure(f"{label}: {name}", comparison) for name, comparison in metrics.items()]
    return aligned(rows, right=range(1, 7))


def _figure(name: str, found: Comparison) -> Row:
    errors = (found.mape_percent, found.median_ape_percent)
    word = found.quality + (f", {found.bias}" if found.bias else "")
    return (
        name,
        str(found.n),
        *(_number(error, 1) for error in errors),
        _number(found.bias_percent, 1, "+"),
        _number(found.pearson_r, 4),
        _number(found.ks_distance, 3),
        word,
    )


def _percentiles(metrics: Mapping[str, Comparison]) -> str:
    """Recorded and simulated in ms, and the error."""
    rows: list[Row] = [("ms", "", "recorded", "simulated", "error %")]
    for name, comparison in metrics.items():
        for q, one in comparison.percentiles.items():
            times = (_number(us / 1000, 1) for us in (one.recorded, one.simulated))
            rows.append((name, f"p{q}", *times, _number(one.error_percent, 1, "+")))
    return aligned(rows, right={2, 3, 4})


def _makespan(found: Calibration) -> str:
    recorded_s, simulated_s = found.makespan_s
    ratio = _number(found.makespan_ratio, 3)
    return f"makespan: {recorded_s:.1f} s recorded, {simulated_s:.1f} s simulated, ratio {ratio}"


def _timelines(found: Calibration) -> str:
    lines = found.timelines
    clock = f", whose clock was {lines.shift_us / 1e6:+z.2f} s off" if lines.shift_us else ""
    rows = [("over time", "r", "mean absolute error")]
    rows += [
        (name.replace("_", " "), _number(line.correlation, 4), _number(line.mean_absolute_error, 3))
        for name, line in lines.lines.items()
    ]
    return f"{aligned(rows, right={1, 2})}\n{len(lines.time_us)} instants, as {lines.source} said{clock}"


def _configuration(found: Calibration) -> str:
    """What is not as the log says, and how much is."""
    rows = [("setting", "log", "simulated", "")]
    rows += [
        (setting.key, setting.recorded or _NOTHING, setting.simulated or _NOTHING, setting.state)
        for setting in found.configuration
    ]
    network = found.network
    matched = sum(setting.state == MATCHED for setting in found.configuration)
    between = f"round trip {network.rtt_us / 1000:g} ms, " + (
        f"{network.bandwidth_mbps:g} Mbit/s" if network.bandwidth_mbps > 0 else "no limit of bandwidth"
    )
    return f"{aligned(rows)}\n{matched} of {len(found.configuration)} settings matched; network: {between}"


def _listed(heading: str, items: Sequence[str]) -> str:
    return "\n".join([heading, *(f"  - {item}" for item in items)]) if items else ""


def _number(value: float, digits: int, sign: str = "") -> str:
    return f"{value:{sign}.{digits}f}" if np.isfinite(value) else _NOTHING
