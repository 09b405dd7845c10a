"""Standard output that may be closed or full, and remarks beside it: one line at most, never a traceback."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from contextlib import suppress

FAILURE, INTERRUPTED = 1, 130


def delivered(command: Callable[[], int]) -> int:
    """The exit status of a command, after what it printed has arrived.

    FAILURE if nobody reads it any more (`| head` has had enough), or if there is no room for it, which is told;
    INTERRUPTED after Ctrl-C.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a file's name may have what a terminal has not
    try:
        try:
            return command()
        finally:
            _flush()
    except OSError as error:
        _give_up(error)
        return FAILURE
    except KeyboardInterrupt:
        return INTERRUPTED


def say(*lines: str) -> bool:
    """Print lines at once; whether they arrived. Trouble is told as in `delivered`, and later lines go nowhere."""
    try:
        print(*lines, sep="\n")
        _flush()
    except OSError as error:
        _give_up(error)
        return False
    return True


def note(text: str) -> None:
    """Print a line on standard error; if that is closed or full, go on without."""
    if sys.stderr is not None:
        with suppress(OSError):
            print(text, file=sys.stderr, flush=True)


def _flush() -> None:
    if sys.stdout is not None:  # closed before we started
        sys.stdout.flush()


def _give_up(error: OSError) -> None:
    """Tell why nothing arrives, unless its reader has left; the rest goes nowhere, or Python complains at its exit."""
    if error.filename is not None:  # of something else
        raise error
    if not isinstance(error, BrokenPipeError):
        note(f"error: standard output: {error.strerror}")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
