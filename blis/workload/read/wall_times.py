"""Wall times of a column: ISO 8601 with a blank or a T between date and time, and an offset from UTC or none."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from blis.workload.read.sheet import Sheet

#: Up to seven digits after the point; then `Z` or an offset like `+02:00`.
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d{1,7}))?(?:(Z)|([+-])(\d\d):([0-5]\d))?", re.ASCII)


def wall_times(sheet: Sheet, column: str) -> NDArray[np.int64]:
    """[n] times in units of 100 ns, of which int64 holds 10,000 years, since the first one's second.

    Either all have an offset or none has. Raises InputError naming line and column.
    """
    cells = sheet.cells[column]
    seconds = np.empty(len(cells), "datetime64[s]")
    fraction = np.empty(len(cells), np.int64)
    with_offset = None
    for row, cell in enumerate(cells):
        try:
            seconds[row], fraction[row], offset = _read(cell)
        except ValueError:
            sheet.fail(column, row, "is not a time like 2023-11-16 18:17:03.9799600 or 2024-05-10T00:00:01+00:00")
        if with_offset is None:
            with_offset = offset
        if offset != with_offset:
            sheet.fail(column, row, f"has {'an' if offset else 'no'} offset from UTC, unlike the times before it")
    return (seconds - seconds[0]).astype(np.int64) * 10**7 + fraction


def _read(cell: str) -> tuple[np.datetime64, int, bool]:
    """Second in UTC, the rest in units of 100 ns, and whether there was an offset. Raises ValueError."""
    found = _TIME.fullmatch(cell)
    if found is None:
        raise ValueError
    date, time, digits, zulu, sign, hours, minutes = found.groups()
    offset_s = (int(hours) * 3600 + int(minutes) * 60) * (-1 if sign == "-" else 1) if sign else 0
    second = np.datetime64(f"{date}T{time}", "s") - np.timedelta64(offset_s, "s")
    return second, int((digits or "").ljust(7, "0")), bool(zulu or sign)
