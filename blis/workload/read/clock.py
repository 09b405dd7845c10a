"""Times of a file as µs since its first request: in which unit they are, and what is said of that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blis.config import MAX_TIME_US
from blis.errors import InputError

#: Units that times of a trace may be in, with their µs.
TIME_UNITS = {"s": 1e6, "ms": 1e3, "us": 1.0, "ns": 1e-3}
_SPELT = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}

#: Recorded traffic comes so often, in requests a second on average over the whole file: one in 10 s to 500 a second.
#: What does not is in another unit, or is so rare that its owner has to say so; fewer requests than _MANY tell nothing.
_MANY, _LEAST_PER_S, _MOST_PER_S = 10, 0.1, 500.0
_UNIX_S = (1e9, 1e10)  # from 2001 on: no other clock shows such times, in whatever unit
_BATCH_US, _BATCHED = 2000, 4  # requests of a batch come so close together, and so many of them for each batch


def most(time_unit: str) -> float:
    """The latest time that can be read, in a unit."""
    return max(MAX_TIME_US / TIME_UNITS[time_unit], _UNIX_S[1] * 1e6 / TIME_UNITS[time_unit])


def since_first(
    path: str | Path, times: NDArray[Any], time_unit: str, given: bool
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """The times [n] >= 0 in µs since the earliest of them, and what to say of them.

    time_unit: what the format says they are in, or the user if `given`; nobody doubts a user. Times on the Unix clock
    show by their size what they are in. Raises InputError for others that come more or less often than traffic does,
    and for those that may be either.
    """
    first = times.min()
    unit = "" if given else _unix_unit(path, times, time_unit)
    if unit:
        notes = [f"times are on the Unix clock, in {unit}: they count from the first request on"]
    else:
        unit = time_unit
        notes = [f"the first request comes at {first} {unit}: times count from there"] if first > 0 else []
        if not given:
            notes.append(check_unit(path, times - first, unit))
    since, us = times - first, TIME_UNITS[unit]
    if (last_us := float(since.max()) * us) > MAX_TIME_US:
        raise InputError(f"{path}: the last request comes {last_us:g} µs after the first, beyond {MAX_TIME_US}")
    exact = since.dtype == np.int64 and us.is_integer()
    since_us = since * int(us) if exact else np.rint(since * us).astype(np.int64)
    return since_us, (*notes, *_batches(since_us))


def _unix_unit(path: str | Path, times: NDArray[Any], time_unit: str) -> str:
    """In which unit times on the Unix clock are, "" if they are on no such clock.

    Where requests would come as traffic does in the format's own unit alone, they are a late piece of a long file.
    """
    first, (low_s, high_s) = float(times.min()), _UNIX_S
    unit = next((unit for unit, us in TIME_UNITS.items() if low_s <= first * us / 1e6 < high_s), "")
    usual = [name for name, per_s in _rates(times - first).items() if _LEAST_PER_S <= per_s < _MOST_PER_S]
    if unit in ("", time_unit) or time_unit not in usual or len(times) < _MANY:
        return unit
    if unit in usual:
        raise InputError(
            f"{path}: times may be on the Unix clock, in {unit}, or {first:g} {time_unit} after the begin of another"
            f" clock: say in the workload time_unit={unit} or time_unit={time_unit}"
        )
    return ""


def _rates(since: NDArray[Any]) -> dict[str, float]:
    """Requests a second on average by the unit that times since the first are in; none if all come at once."""
    span, gaps = float(since.max()), len(since) - 1
    return {unit: gaps / (span * us / 1e6) for unit, us in TIME_UNITS.items()} if span > 0 else {}


def check_unit(path: str | Path, since: NDArray[Any], unit: str) -> str:
    """What to say of times since the first of them that are in a format's unit.

    Raises InputError if requests come too often or too rarely then, or times have parts of a ms.
    """
    per_s = _rates(since)
    usual = [name for name, rate in per_s.items() if _LEAST_PER_S <= rate < _MOST_PER_S]
    if len(since) >= _MANY and per_s and unit not in usual:
        rate, places = per_s[unit], list(TIME_UNITS).index
        doubt = f"{rate:.0f} requests a second" if rate > 1 else f"a request in {1 / rate:.3g} s"
        doubt += " on average"
        other = min(usual, key=lambda name: abs(places(name) - places(unit)), default="")
    elif unit == "ms" and (since != np.rint(since)).any():
        doubt, other = "times have fractions of a ms", "s"
    else:
        return f"times are in {unit}, as the format says"
    asked = f"are they {_SPELT[other]}? Say so in the workload: time_unit={other}, else" if other else "if so, say"
    raise InputError(f"{path}: {doubt}, with times in {unit}: {asked} time_unit={unit}")


def _batches(since_us: NDArray[np.int64]) -> list[str]:
    """What to say of arrivals that stand together."""
    batches = 1 + int((np.diff(np.sort(since_us)) > _BATCH_US).sum())
    if len(since_us) < _MANY or len(since_us) < _BATCHED * batches or batches == 1:
        return []
    return [f"arrivals come in {batches} batches, {since_us.max() / 1e6 / (batches - 1):.3g} s apart on average"]
