"""A comparison as text: for the terminal a block a measure and a line a policy, or the same as JSON."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from blis.comparison.gain import gain
from blis.comparison.measures import MEASURES, Measure
from blis.comparison.side_by_side import SideBySide
from blis.latency.standing import Standing
from blis.text import aligned

_NOTHING = "–"


def side_by_side_text(compared: SideBySide, model: Standing) -> str:
    """Means, differences to the baseline with their intervals, and what these prove; what step times stand on."""
    parts = [f"against {compared.baseline}; {compared.method}, each by itself"]
    for key, measure in _shown(compared).items():
        rows = [(f"  {name}", *_cells(compared, name, key, measure)) for name in compared.values]
        parts += ["", f"{key} ({measure.unit})", aligned(rows, right={1})]
    return "\n".join([*parts, "", f"step times {model}"])


def side_by_side_json(compared: SideBySide, model: Standing) -> str:
    """The same with every digit: measure -> unit and policies, null where there is nothing."""
    measures = {
        key: {
            "unit": measure.unit,
            "more_is_better": measure.more_is_better,
            "policies": {name: _entry(compared, name, key, measure) for name in compared.values},
        }
        for key, measure in _shown(compared).items()
    }
    document = {"baseline": compared.baseline, "method": compared.method, "measures": measures}
    document["latency_model"] = model.to_dict()
    return json.dumps(document, indent=2, allow_nan=False)


def _shown(compared: SideBySide) -> dict[str, Measure]:
    """All measures but rare ones that no policy has."""
    return {
        key: measure
        for key, measure in MEASURES.items()
        if not (measure.rare and all(np.isnan(values[key]) for values in compared.values.values()))
    }


def _entry(compared: SideBySide, name: str, key: str, measure: Measure) -> dict[str, Any]:
    """A policy's mean, and of all but the baseline the difference, its interval and the verdict."""
    entry: dict[str, Any] = {"mean": _known(compared.values[name][key])}
    if name != compared.baseline:
        found = compared.differences[name][key]
        interval = None if found.bounds is None else [_known(bound) for bound in found.bounds]
        verdict = found.verdict(measure.more_is_better) or None
        entry |= {"difference": _known(found.mean), "interval_95": interval, "verdict": verdict}
    return entry


def _known(value: float) -> float | None:
    """A number, None for one that is not finite."""
    return float(value) if np.isfinite(value) else None


def _cells(compared: SideBySide, name: str, key: str, measure: Measure) -> tuple[str, str, str]:
    """A policy's mean, its difference with the interval, and the verdict."""
    value = _number(compared.values[name][key], measure.digits)
    if name == compared.baseline:
        return value, "baseline", ""
    found = compared.differences[name][key]
    if np.isnan(found.mean):
        return value, _NOTHING, ""
    mean, interval = gain(found.mean, found.bounds, measure.digits)
    difference = mean if found.bounds is None else f"{mean} {interval}"
    return value, difference, found.verdict(measure.more_is_better)


def _number(value: float, digits: int) -> str:
    return _NOTHING if np.isnan(value) else f"{value:.{digits}f}"
