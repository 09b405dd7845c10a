"""Prices by simulation: run the requests, write down what the steps consisted of, price them anew, and again.

With prices that are right the run has the steps that were really run, and then the equations are right, too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from blis.calibration.errors import Times, recorded_times, simulated_times
from blis.calibration.replay import with_parameters
from blis.config import Scenario
from blis.engine.observe import Observe
from blis.engine.run import simulate
from blis.fit.rows import Rows, joined, request_rows, step_rows
from blis.fit.solve import loss, scales, solve
from blis.fit.start import start_prices
from blis.fit.terms import Terms
from blis.tables.results import ResultTable
from blis.workload.recorded.recording import Recording, StepLog

_ROUNDS = 25
_CALM = 4  # rounds before steps are made shorter where a round made things worse
_CLOSE = 1e-9  # change of a price, as a share of it, that ends the search
_TRACE = 1e-3  # of the price that would explain everything: nothing


@dataclass(frozen=True)
class Watched:
    """A recording, the scenario it is simulated in, and the requests of it that a fit may look at."""

    recording: Recording
    scenario: Scenario
    rows: NDArray[np.int64]


@dataclass(frozen=True)
class Evidence:
    """What a fit may look at."""

    requests: tuple[Watched, ...]
    steps: tuple[StepLog, ...] = ()


@dataclass(frozen=True)
class Prices:
    """Prices, how well they do, and the runs that they lead to."""

    terms: Terms
    values: NDArray[np.float64]  # [terms] µs
    loss: float
    runs: tuple[ResultTable, ...]  # one for each of the evidence's recordings


def find_prices(evidence: Evidence, terms: Terms, downhill: int = 50) -> Prices:
    """The best prices that were met: by equations, downhill, and by equations again, which are nearly right by then.

    downhill: steps a price.
    """
    start = price(evidence, terms, _start(evidence, terms))
    if not evidence.requests:
        return start
    best = _by_equations(evidence, start)
    return _by_equations(evidence, _downhill(evidence, best, downhill)) if downhill else best


def price(evidence: Evidence, terms: Terms, values: NDArray[np.float64]) -> Prices:
    """What comes of prices."""
    errors = [_step_errors(log, terms, values) for log in evidence.steps]
    runs = tuple(run_of(each, terms, values) for each in evidence.requests)
    errors += [_errors(each, run) for each, run in zip(evidence.requests, runs, strict=True)]
    return Prices(terms, values, loss(_pooled(errors)), runs)


def equations(evidence: Evidence, prices: Prices) -> Rows:
    """What the evidence says of prices, in the runs that these lead to."""
    parts = [step_rows(log, prices.terms) for log in evidence.steps]
    for each, run in zip(evidence.requests, prices.runs, strict=True):
        parts.append(request_rows(each.recording, run, prices.terms, each.rows))
    return joined(parts)


def run_of(watched: Watched, terms: Terms, values: NDArray[np.float64]) -> ResultTable:
    """A run of a recording's requests that keeps its steps."""
    scenario = with_parameters(watched.scenario, terms.parameters(values.tolist()))
    return simulate(scenario, watched.recording.requests, observe=Observe(steps=True))


def _start(evidence: Evidence, terms: Terms) -> NDArray[np.float64]:
    if evidence.steps:
        return solve(joined([step_rows(log, terms) for log in evidence.steps]))
    return start_prices([(each.recording, each.rows) for each in evidence.requests], terms)


def _by_equations(evidence: Evidence, start: Prices) -> Prices:
    """The best of a number of rounds."""
    best = now = start
    stride = 1.0
    for round_number in range(_ROUNDS):
        wanted = solve(equations(evidence, now))
        if np.abs(wanted - now.values).max() <= _CLOSE * np.abs(wanted).max():
            break
        then = price(evidence, start.terms, now.values + stride * (wanted - now.values))
        if then.loss > now.loss and round_number >= _CALM:
            stride = max(0.7 * stride, 0.1)
        now = then
        best = min(best, now, key=lambda each: each.loss)
    return best


def _downhill(evidence: Evidence, start: Prices, steps: int) -> Prices:
    """The best prices near by. A run changes in jumps as prices do, so its slope says little."""
    least = _TRACE * scales(equations(evidence, start))
    unit = np.maximum(start.values, least)
    unit = np.where(unit > 0, unit, 1.0)  # a term that no step has anything of

    def prices(shares: NDArray[np.float64]) -> Prices:
        return price(evidence, start.terms, np.abs(shares) * unit)

    options = {"maxfev": steps * len(unit), "xatol": 1e-5, "fatol": 1e-7}
    found = minimize(lambda shares: prices(shares).loss, start.values / unit, method="Nelder-Mead", options=options)
    best = prices(found.x)
    free = price(evidence, start.terms, np.where(best.values < least, 0.0, best.values))
    return min(start, best, free, key=lambda each: each.loss)


def _step_errors(log: StepLog, terms: Terms, values: NDArray[np.float64]) -> dict[str, Times]:
    rows = step_rows(log, terms)
    return {"step": rows.columns @ values - rows.values}


def _errors(watched: Watched, run: ResultTable) -> dict[str, Times]:
    """Shares by which the simulated times of the requests are off, of each measure."""
    found = {}
    simulated = simulated_times(watched.recording, run)
    for name, recorded in recorded_times(watched.recording).items():
        off = (simulated[name] / np.where(recorded > 0, recorded, np.nan) - 1)[watched.rows]
        found[name] = off[np.isfinite(off)]
    return found


def _pooled(errors: list[dict[str, Times]]) -> dict[str, Times]:
    """Those of all logs together."""
    names = dict.fromkeys(name for each in errors for name in each)
    return {name: np.concatenate([each[name] for each in errors if name in each]) for name in names}
