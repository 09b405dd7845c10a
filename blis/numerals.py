"""Numbers as files and command lines write them: ASCII digits, no spaces, none of Python's other spellings.

Python itself would read ` 7`, `+7`, `1_000` and `٣` as numbers, and another program something else or nothing.
"""

from __future__ import annotations

import re

_WHOLE = re.compile(r"-?[0-9]+")
_NUMBER = re.compile(r"-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
_NOT_FINITE = ("inf", "-inf", "nan")  # numbers, so that those who refuse them can say why

MAX_DIGITS = 400  # longer than any number that fits somewhere, shorter than what Python refuses to convert


def read_whole(text: str) -> int:
    """A whole number. Raises ValueError."""
    if len(text) > MAX_DIGITS or _WHOLE.fullmatch(text) is None:
        raise ValueError(f"{text[:40]!r} is not a whole number")
    return int(text)


def read_number(text: str) -> float:
    """A number, which may be no finite one. Raises ValueError."""
    if len(text) > MAX_DIGITS or (_NUMBER.fullmatch(text) is None and text.lower() not in _NOT_FINITE):
        raise ValueError(f"{text[:40]!r} is not a number")
    return float(text)
