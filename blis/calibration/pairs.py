"""Requests of a recording and what a simulation says of them, put together by their ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from blis.calibration.errors import MEASURES, Times, measured, recorded_times, since_taken_up
from blis.tables.network import Network, transfer_us
from blis.tables.records import COMPLETED
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable
from blis.workload.recorded.recording import Recording

NO_NETWORK = Network()


@dataclass(frozen=True)
class Answers:
    """What a simulation answered: [n] by its own order, times in µs from arrival as the server sees them."""

    request_ids: tuple[str, ...]
    input_tokens: NDArray[np.int64]
    output_tokens: NDArray[np.int64]  # those that came
    ttft_us: Times
    e2e_us: Times

    def times(self, network: Network) -> dict[str, Times]:
        """[n] µs of each measure as a client behind a network sees them, NaN where there is none."""
        before = network.rtt_us + transfer_us(network, self.input_tokens)
        after = transfer_us(network, self.output_tokens)
        return measured(self.ttft_us + before, self.e2e_us + before + after, self.output_tokens)


def answers(recording: Recording, result: ResultTable) -> Answers:
    """Those of a run's requests that were completed and had an output."""
    rows = np.flatnonzero((result.status == COMPLETED) & (result.ttft_us >= 0))
    requests, before = recording.requests, since_taken_up(recording, result)[rows]
    return Answers(
        tuple(requests.request_id(int(row)) for row in rows),
        requests.input_tokens[rows],
        result.generated_tokens[rows].astype(np.int64),
        (result.ttft_us[rows] - before).astype(np.float64),
        (result.e2e_us[rows] - before).astype(np.float64),
    )


@dataclass(frozen=True)
class Counts:
    """What became of the requests of a log: the first is the sum of the next six."""

    requests: int
    matched: int
    warm_up: int
    before_first: int  # of the first share, which is not scored
    failed: int
    invalid: int  # times that are not in order
    unmatched_recorded: int  # not answered in the simulation
    unmatched_simulated: int  # answered in the simulation, not in the log
    token_mismatches: int  # matched, with other lengths


@dataclass(frozen=True)
class Pairs:
    """[pairs] µs of each measure, recorded and simulated; `rows` says whose they are in the recording."""

    rows: NDArray[np.int64]
    recorded: Mapping[str, Times]
    simulated: Mapping[str, Times]
    counts: Counts

    def of(self, name: str, chosen: NDArray[np.bool_]) -> tuple[Times, Times]:
        """A measure of some: recorded, simulated. chosen: [requests of the recording]."""
        at = chosen[self.rows]
        return self.recorded[name][at], self.simulated[name][at]


def pair_up(recording: Recording, found: Answers, network: Network = NO_NETWORK, first: float = 0.0) -> Pairs:
    """The pairs that are scored: not there to warm up, and not of the first share of those that are not.

    network: what lies between the simulated server and the clock of the recording.
    """
    ids = [recording.requests.request_id(row) for row in range(len(recording))]
    place = {name: number for number, name in enumerate(found.request_ids)}
    at = np.array([place.get(name, -1) for name in ids], np.int64)
    wanted = recording.scored & (np.cumsum(recording.scored) > round(first * recording.scored.sum()))
    rows = np.flatnonzero(wanted & (at >= 0))
    recorded, simulated = recorded_times(recording), found.times(network)
    return Pairs(
        rows,
        {name: recorded[name][rows] for name in MEASURES},
        {name: simulated[name][at[rows]] for name in MEASURES},
        Counts(
            requests=len(recording) + recording.failed + recording.invalid,
            matched=len(rows),
            warm_up=int(recording.warm_up.sum()),
            before_first=int((recording.scored & ~wanted).sum()),
            failed=recording.failed,
            invalid=recording.invalid,
            unmatched_recorded=int((wanted & (at < 0)).sum()),
            unmatched_simulated=len(place.keys() - set(ids)),
            token_mismatches=_mismatches(recording.requests, found, rows, at[rows]),
        ),
    )


def _mismatches(requests: RequestTable, found: Answers, rows: NDArray[np.int64], at: NDArray[np.int64]) -> int:
    """How many pairs differ in their lengths."""
    inputs = requests.input_tokens[rows] != found.input_tokens[at]
    return int((inputs | (requests.output_tokens[rows] != found.output_tokens[at])).sum())
