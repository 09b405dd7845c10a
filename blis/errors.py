"""What is wrong with an input, in one line a user can act on."""

from __future__ import annotations

import difflib
import math
import sys
from collections.abc import Iterable

_LARGEST = int(sys.float_info.max)


class InputError(ValueError):
    """Bad input from a user: the text names the key, the value and what would be right.

    Commands print it as one line on stderr and end with exit status 2; it never needs a traceback.
    """

    def __init__(self, text: str) -> None:
        """Names in the text may have line breaks; the text has none."""
        super().__init__(" ".join(text.splitlines()))


class EngineError(RuntimeError):
    """A failure that the input is not to blame for: the simulator broke one of its own laws, or a disk is full.

    Commands print it as one line on stderr, too, and end with exit status 1.
    """


def in_short(value: object, length: int = 40) -> str:
    """A value as Python writes it, cut to `length` letters; a number too long to write is described."""
    try:
        shown = repr(value)
    except ValueError:  # a whole number of more digits than Python writes out, maybe inside a list
        shown = f"({type(value).__name__}, too long to show)"
    return shown if len(shown) <= length else shown[: length - 3] + "..."


def one_line(error: object) -> str:
    """The text of an error, whatever its line breaks and indents."""
    return " ".join(str(error).split())


def named(error: Exception) -> str:
    """The same of an error that is none of ours: its type says what its text may leave out."""
    return f"{type(error).__name__}: {one_line(error)}"


def unknown_name(kind: str, value: object, valid: Iterable[str], meant: str | None = None) -> InputError:
    """The error for a name that is not in a list: the list, and the nearest match or what is known to be meant."""
    names = sorted(valid)
    shown = in_short(value, 80)
    near = difflib.get_close_matches(shown.strip("'"), names, n=1, cutoff=0.5)
    hint = f" (it is called {meant!r} here)" if meant else f" (did you mean {near[0]!r}?)" if near else ""
    return InputError(f"unknown {kind} {shown}{hint}; choose one of: {', '.join(names)}")


def check_choice(key: str, value: str, valid: Iterable[str]) -> None:
    """Raise InputError unless `value` is one of `valid`."""
    names = list(valid)
    if value not in names:
        raise unknown_name(key, value, names)


def check_number(
    key: str, value: float, low: float = -math.inf, high: float = math.inf, *, above: float | None = None
) -> None:
    """Raise InputError unless `value` is finite, within [low, high] and, if given, > `above`."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{key} must be a number, got {in_short(value)}")
    if isinstance(value, int) and abs(value) > _LARGEST:
        raise InputError(f"{key} is too large for a number: {in_short(value)}")
    if not math.isfinite(value):
        raise InputError(f"{key} must be finite, got {value}")
    if above is not None and value <= above:
        raise InputError(f"{key} must be > {above:g}, got {value:g}")
    if not low <= value <= high:
        least = f"[{low:g}" if above is None or above < low else f"({above:g}"
        rule = f"in {least}, {high:g}]" if math.isfinite(high) else f">= {low:g}"
        raise InputError(f"{key} must be {rule}, got {value:g}")


def check_integer(key: str, value: int, low: int, high: int | None = None) -> None:
    """Raise InputError unless `value` is an integer in [low, high]; without `high` it is below 2**64, as seeds are."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(f"{key} must be an integer, got {in_short(value)}")
    check_number(key, value, low, math.inf if high is None else high)
    if high is None and value >= 2**64:
        raise InputError(f"{key} must be below 2**64, got {value:g}")
