"""A recording simulated and held against itself: everything that `blis calibrate` says, as plain numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blis.calibration.compare import INSUFFICIENT, Comparison, compare
from blis.calibration.configuration import DIFFERS, Setting, configuration, limitations
from blis.calibration.errors import MEASURES
from blis.calibration.pairs import Pairs, answers, pair_up
from blis.calibration.timelines import Timelines, sample_us, timelines
from blis.calibration.unqueued import never_queued
from blis.config import Scenario
from blis.engine.observe import Observe
from blis.engine.run import simulate
from blis.latency.standing import Standing, standing
from blis.tables.network import Network
from blis.tables.results import ResultTable
from blis.workload.recorded.doubts import doubts
from blis.workload.recorded.recording import Recording


@dataclass(frozen=True)
class Calibration:
    """How far a simulation is from a recording."""

    source: str
    pairs: Pairs
    metrics: Mapping[str, Comparison]  # by measure
    classes: Mapping[str, Mapping[str, Comparison]]  # by SLO class and measure; empty below two classes
    unqueued: Comparison  # TTFT of requests that never queued
    makespan_s: tuple[float, float]  # recorded, simulated: from the first arrival to the last of all answers
    timelines: Timelines
    network: Network
    latency_model: Standing
    configuration: list[Setting]
    doubts: list[str]  # of the recording
    limitations: list[str]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; None where there is no number."""
        recorded_s, simulated_s = self.makespan_s
        document = {
            "log": self.source,
            "requests": asdict(self.pairs.counts),
            "metrics": _measures(self.metrics),
            "classes": {name: _measures(metrics) for name, metrics in self.classes.items()},
            "unqueued": {"ttft": _comparison(self.unqueued)},
            "makespan": {"recorded_s": recorded_s, "simulated_s": simulated_s, "ratio": self.makespan_ratio},
            "timelines": _timelines(self.timelines),
            "network": {"rtt_ms": self.network.rtt_us / 1000, "bandwidth_mbps": self.network.bandwidth_mbps},
            "latency_model": self.latency_model.to_dict(),
            "configuration": [setting._asdict() for setting in self.configuration],
            "known_limitations": self.limitations,
            "warnings": self.warnings,
            "notes": list(self.notes),
        }
        return _without_nan(document)

    @property
    def makespan_ratio(self) -> float:
        """Simulated to recorded; NaN if nothing was answered."""
        recorded_s, simulated_s = self.makespan_s
        return simulated_s / recorded_s if recorded_s > 0 else np.nan

    @property
    def warnings(self) -> list[str]:
        """What may make the figures worthless."""
        counts, found = self.pairs.counts, [*self.doubts]
        if whole := int(np.isnan(self.pairs.recorded["ttft"]).sum()):
            found.append(f"{whole} answers were not streamed: ttft and tpot are without them")
        if counts.token_mismatches:
            found.append(f"{counts.token_mismatches} requests have other lengths in the simulation than in the log")
        if counts.unmatched_recorded:
            found.append(f"{counts.unmatched_recorded} requests of the log got no answer in the simulation")
        found += [
            f"{setting.key} is {setting.recorded} in the log and {setting.simulated or 'not given'} in the simulation"
            for setting in self.configuration
            if setting.state == DIFFERS
        ]
        few = [name for name, comparison in self.metrics.items() if comparison.quality == INSUFFICIENT]
        return found + ([f"too few requests to rate {', '.join(few)}"] if few else [])


def calibrate(
    recording: Recording, scenario: Scenario, network: Network | None = None, first: float = 0.0
) -> Calibration:
    """Simulate a recording and compare by request id.

    network: what lies between the server and the clock that was read, if not what the log says. first: the share of
    the requests, by arrival, that is simulated but not scored.
    """
    network = network or recording.network
    observe = Observe(sample_us=sample_us(recording), steps=True)
    result = simulate(scenario, recording.requests, observe=observe)
    found = answers(recording, result)
    pairs = pair_up(recording, found, network, first)
    since_us = int(recording.requests.arrival_us[pairs.rows[0]]) if len(pairs.rows) else 0
    return Calibration(
        source=recording.source,
        pairs=pairs,
        metrics=_compared(pairs, np.ones(len(recording), bool)),
        classes=_by_class(recording, pairs),
        unqueued=compare(*pairs.of("ttft", never_queued(recording, scenario, result))),
        makespan_s=(int(recording.completed_us.max()) / 1e6, _last_answer_us(recording, result) / 1e6),
        timelines=timelines(recording, scenario, result, since_us),
        network=network,
        latency_model=standing(scenario.instance.latency_model),
        configuration=configuration(recording, scenario),
        doubts=doubts(recording, network),
        limitations=limitations(recording, scenario.cluster, network),
        notes=recording.notes,
    )


def _last_answer_us(recording: Recording, result: ResultTable) -> int:
    """When the last request was answered, since the first arrival; 0 if none was."""
    answered = result.e2e_us >= 0
    return int((recording.requests.arrival_us + result.e2e_us)[answered].max(initial=0))


def _compared(pairs: Pairs, chosen: NDArray[np.bool_]) -> dict[str, Comparison]:
    return {name: compare(*pairs.of(name, chosen)) for name in MEASURES}


def _by_class(recording: Recording, pairs: Pairs) -> dict[str, dict[str, Comparison]]:
    """Every class with a pair, if there are two or more."""
    requests = recording.requests
    present = np.unique(requests.slo_class[pairs.rows])
    if len(present) < 2:
        return {}
    return {requests.slo_names[number] or "none": _compared(pairs, requests.slo_class == number) for number in present}


def _measures(metrics: Mapping[str, Comparison]) -> dict[str, Any]:
    return {name: _comparison(comparison) for name, comparison in metrics.items()}


def _comparison(found: Comparison) -> dict[str, Any]:
    """A comparison of µs; percentiles in ms."""
    percentiles = {
        f"p{q}": {
            "recorded_ms": one.recorded / 1000,
            "simulated_ms": one.simulated / 1000,
            "error_percent": one.error_percent,
        }
        for q, one in found.percentiles.items()
    }
    return asdict(replace(found, percentiles={})) | {"percentiles": percentiles}


def _timelines(found: Timelines) -> dict[str, Any]:
    lines = {
        name: {"correlation": line.correlation, "mean_absolute_error": line.mean_absolute_error}
        for name, line in found.lines.items()
    }
    return {
        "recorded_by": found.source,
        "shift_s": found.shift_us / 1e6,
        "instants": len(found.time_us),
        "lines": lines,
    }


def _without_nan(value: Any) -> Any:
    """The same with None for numbers that are none; JSON has no NaN."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
