"""What is wrong with an input, in one line a user can act on."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable


class InputError(ValueError):
    """Bad input from a user: the text names the key, the value and what would be right.

    Commands print it as one line on stderr and end with exit status 2; it never needs a traceback.
    """


class EngineError(RuntimeError):
    """A failure that the input is not to blame for: the simulator broke one of its own laws, or a disk is full.

    Commands print it as one line on stderr, too, and end with exit status 1.
    """


def one_line(error: object) -> str:
    """The text of an error, whatever its line breaks and indents."""
    return " ".join(str(error).split())


def named(error: Exception) -> str:
    """The same of an error that is none of ours: its type says what its text may leave out."""
    return f"{type(error).__name__}: {one_line(error)}"


def unknown_name(kind: str, value: object, valid: Iterable[str]) -> InputError:
    """The error for a name that is not in a list: shows the list and the nearest match."""
    names = sorted(valid)
    near = difflib.get_close_matches(str(value), names, n=1, cutoff=0.5)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return InputError(f"unknown {kind} {value!r}{hint}; choose one of: {', '.join(names)}")


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
        raise InputError(f"{key} must be a number, got {value!r}")
    if not math.isfinite(value):
        raise InputError(f"{key} must be finite, got {value}")
    if above is not None and value <= above:
        raise InputError(f"{key} must be > {above:g}, got {value:g}")
    if not low <= value <= high:
        rule = f"in [{low:g}, {high:g}]" if math.isfinite(high) else f">= {low:g}"
        raise InputError(f"{key} must be {rule}, got {value:g}")


def check_integer(key: str, value: int, low: int, high: int | None = None) -> None:
    """Raise InputError unless `value` is an integer in [low, high]."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(f"{key} must be an integer, got {value!r}")
    check_number(key, value, low, math.inf if high is None else high)
