"""A fit from its logs to its result: terms, prices, intervals, and the error on what was not looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blis.calibration.errors import MEASURES, Times, mape, recorded_times, simulated_times
from blis.calibration.replay import replay_scenario
from blis.calibration.unqueued import never_queued
from blis.errors import InputError, check_number
from blis.fit.choose import choose_terms
from blis.fit.loop import Evidence, Prices, Watched, equations, find_prices, run_of
from blis.fit.rows import step_rows
from blis.fit.solve import solve
from blis.fit.uncertainty import uncertainty
from blis.latency.coefficients import FORMAT, CoefficientsFile
from blis.workload.recorded.network import server_side
from blis.workload.recorded.recording import Recording, Server, StepLog

#: With fewer requests or steps than this there is nothing to choose terms by.
LEAST = 30
_DRAWS = 64
#: What a coefficients file says of the server beside its engine, if the logs do.
_FACTS = ("model", "gpu", "tp", "vllm", "kv_blocks", "block_size_tokens", "max_running", "max_scheduled_tokens")


@dataclass(frozen=True)
class Fit:
    """What was found. Errors are in percent."""

    file: CoefficientsFile
    seen: dict[str, float]  # error on what the fit saw
    held_out: dict[str, float] | None  # on the rest, None if there was none
    losses: dict[str, float]  # of every model that was held against folds left out
    notes: tuple[str, ...]  # what the logs say of themselves, rows that were left out above all


def fit(logs: Sequence[Recording | StepLog], first: float = 0.5, engine: str | None = None) -> Fit:
    """Fit a linear latency model to the first share of each log and hold it against the rest.

    engine: the profile to simulate with, if not that of the version that the log names.
    Raises InputError if the logs are too short or not of one server.
    """
    check_number("--first", first, 0, 1, above=0)
    _check_one_server(logs)
    _check_one_instance(logs)
    _check_each_once(logs)
    _check_streamed(logs)
    logs = _with_all_known(logs)
    watched, assumed = _watched([log for log in logs if isinstance(log, Recording)], first, engine)
    steps = [log for log in logs if isinstance(log, StepLog)]
    evidence = Evidence(watched, tuple(_stretch(log, 0, first) for log in steps))
    n = sum(len(each.rows) for each in watched) + sum(len(log.steps) for log in evidence.steps)
    if n < LEAST:
        raise InputError(f"insufficient data: {n} requests and steps to fit to; at least {LEAST} are needed")
    terms, losses = choose_terms(evidence)
    prices = find_prices(evidence, terms)
    prices = find_prices(evidence, terms.without_free(prices.values.tolist()))
    if not prices.values.any():
        raise InputError(f"{logs[0].source}: the times say nothing of what a step costs: all coefficients would be 0")
    off = uncertainty(equations(evidence, prices), prices.values, np.random.default_rng(0))
    rest = [_stretch(log, first, 1) for log in steps]
    held_out = _errors(prices, [(each, _unseen(each)) for each in watched], rest)
    server, differing = _server(logs, watched)
    file = CoefficientsFile(
        format=FORMAT,
        kind="linear",
        parameters=prices.terms.parameters(prices.values.tolist()),
        source=f"{', '.join(log.source for log in logs)}: the first {n} of {_total(logs)}",
        n=n,
        error=held_out or {},
        interval=_with_left_out(evidence, prices, dict(zip(prices.terms.names, off.intervals.tolist(), strict=True))),
        **server,
        assumed=assumed,
        draws=tuple(prices.terms.parameters(draw) for draw in off.draws[:_DRAWS].tolist()),
    )
    seen = _errors(prices, [(each, each.rows) for each in watched], list(evidence.steps)) or {}
    notes = tuple(f"{log.source}: {note}" for log in logs if isinstance(log, Recording) for note in log.notes)
    return Fit(file, seen, held_out, losses, (*notes, *differing))


def _with_left_out(
    evidence: Evidence, prices: Prices, intervals: dict[str, list[float]]
) -> dict[str, tuple[float, float | None]]:
    """Intervals with what could be if a term that was left out had a price, which would be part of others' then.

    A term of which the log says nothing changes none. An upper end that is infinite is None.
    """
    for terms in prices.terms.wider():
        rows = equations(evidence, replace(prices, terms=terms))
        found = uncertainty(rows, solve(rows), np.random.default_rng(0)).intervals
        told = np.isfinite(found).all()
        for name, (low, high) in zip(terms.names, found.tolist(), strict=True) if told else ():
            own_low, own_high = intervals.get(name, [0.0, 0.0])
            intervals[name] = [min(low, own_low), max(high, own_high)]
    return {name: (low, high if np.isfinite(high) else None) for name, (low, high) in intervals.items()}


def _watched(
    recordings: list[Recording], first: float, engine: str | None
) -> tuple[tuple[Watched, ...], tuple[str, ...]]:
    """Recordings with their scenarios and the requests that the fit may see, and what was assumed."""
    found, assumed = [], dict[str, None]()
    for recording in recordings:
        own = server_side(recording)
        replay = replay_scenario(own, {"kind": "linear", "parameters": {"fixed_us": 1.0}}, engine)
        rows = np.flatnonzero(own.scored)
        found.append(Watched(own, replay.scenario, rows[: round(first * len(rows))]))
        assumed |= dict.fromkeys(replay.assumed)
    return tuple(found), tuple(assumed)


def _unseen(watched: Watched) -> NDArray[np.int64]:
    return np.setdiff1d(np.flatnonzero(watched.recording.scored), watched.rows)


def _stretch(log: StepLog, begin: float, end: float) -> StepLog:
    """The steps of a log from one share of it to another."""
    n = len(log.steps)
    return StepLog(log.source, log.steps[round(begin * n) : round(end * n)], log.server)


def _errors(
    prices: Prices, requests: list[tuple[Watched, NDArray[np.int64]]], steps: list[StepLog]
) -> dict[str, float] | None:
    """The errors on some requests of every log together, and on steps; None if there are none of either."""
    found: dict[str, float] = {}
    pairs = [_pairs(prices, watched, rows) for watched, rows in requests if len(rows)]
    if pairs:
        for name in pairs[0]:
            recorded, simulated = (np.concatenate([pair[name][side] for pair in pairs]) for side in (0, 1))
            found[f"{name}_mape"] = mape(recorded, simulated)
        found["n"], found["unqueued"] = sum(len(rows) for _, rows in requests), len(recorded)
    off = [step_rows(log, prices.terms) for log in steps if len(log.steps)]
    if off:
        shares = np.concatenate([rows.columns @ prices.values - rows.values for rows in off])
        found["step_mape"], found["steps"] = float(100 * np.mean(np.abs(shares))), len(shares)
    return {name: value for name, value in found.items() if np.isfinite(value)} or None


def _pairs(prices: Prices, watched: Watched, rows: NDArray[np.int64]) -> dict[str, tuple[Times, Times]]:
    """Recorded and simulated times of some requests; TTFT again of those that never queued."""
    run = run_of(watched, prices.terms, prices.values)
    recorded, simulated = recorded_times(watched.recording), simulated_times(watched.recording, run)
    found = {name: (recorded[name][rows], simulated[name][rows]) for name in MEASURES}
    alone = rows[never_queued(watched.recording, watched.scenario, run)[rows]]
    return found | {"unqueued_ttft": (recorded["ttft"][alone], simulated["ttft"][alone])}


def _total(logs: Sequence[Recording | StepLog]) -> str:
    requests = sum(len(log) for log in logs if isinstance(log, Recording))
    steps = sum(len(log.steps) for log in logs if isinstance(log, StepLog))
    return " and ".join(f"{count} {name}" for count, name in ((requests, "requests"), (steps, "steps")) if count)


def _with_all_known(logs: Sequence[Recording | StepLog]) -> list[Recording | StepLog]:
    """The logs, each with what only others say of their server: they are of one."""
    known = reduce(Server.over, (log.server for log in logs))
    return [replace(log, server=log.server.over(known)) for log in logs]


def _server(logs: Sequence[Recording | StepLog], watched: tuple[Watched, ...]) -> tuple[dict[str, Any], list[str]]:
    """What a coefficients file says of the server, and a note of each fact in which the logs differ: it says none.

    Engine and limits are those of the simulation, where there was one.
    """
    said = [(log.source, {key: getattr(log.server, key) for key in _FACTS}) for log in logs]
    for each in watched:
        instance = each.scenario.instance
        limits = {key: getattr(instance.batch, key) for key in ("max_running", "max_scheduled_tokens")}
        said.append((each.recording.source, {"engine": instance.engine.text, **limits}))
    found: dict[str, Any] = {}
    notes = []
    for key in ("engine", *_FACTS):
        values: dict[Any, str] = {facts[key]: source for source, facts in said if facts.get(key)}
        if len(values) == 1:
            found |= dict.fromkeys([key], *values)
        elif values:
            parts = "; ".join(f"{source}: {value}" for value, source in values.items())
            notes.append(f"the logs differ in {key}: {parts}; each is taken as it is, and the file says none")
    return found, notes


def _check_one_server(logs: Sequence[Recording | StepLog]) -> None:
    """Raise InputError if logs name different models, GPUs or tensor parallelisms."""
    for key in ("model", "gpu", "tp"):
        named: Mapping[Any, str] = {value: log.source for log in logs if (value := getattr(log.server, key))}
        if len(named) > 1:
            parts = "; ".join(f"{source}: {value}" for value, source in named.items())
            raise InputError(f"the logs are of different servers: {key}: {parts}; fit them one by one")


def _check_one_instance(logs: Sequence[Recording | StepLog]) -> None:
    """Raise InputError for a log whose requests were answered by several instances: no one server has those steps."""
    for log in logs:
        if log.server.instances > 1:
            raise InputError(f"{log.source}: {log.server.instances} instances answered; a fit needs requests of one")


def _check_each_once(logs: Sequence[Recording | StepLog]) -> None:
    """Raise InputError if all that a log says is in another, too: it would count twice."""
    for one, other in combinations(logs, 2):
        fewer, more = sorted((_said(one), _said(other)), key=len)
        if fewer <= more:
            raise InputError(f"{one.source} and {other.source} have the same rows, which would count twice")


def _check_streamed(logs: Sequence[Recording | StepLog]) -> None:
    """Raise InputError for a log that says when no answer began: what its prompts took is in no time of its own."""
    for log in logs:
        if isinstance(log, Recording) and not log.streamed.any():
            raise InputError(f"{log.source}: no answer was streamed; a fit needs the times of first tokens")


def _said(log: Recording | StepLog) -> set[object]:
    """Every request of a log, wherever its clock began, or its steps as a whole, whose rows may be alike."""
    if isinstance(log, StepLog):
        return {log.steps.tobytes()}
    requests, ttft_us = log.requests, np.nan_to_num(log.ttft_us)
    columns = (requests.input_tokens, requests.output_tokens, ttft_us, log.e2e_us)
    return set(zip(map(requests.request_id, range(len(log))), *(column.tolist() for column in columns), strict=True))
