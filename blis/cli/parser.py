"""The parser of command lines: what is wrong with one is an InputError, like all other wrong input."""

from __future__ import annotations

import argparse
from typing import NoReturn

from blis.errors import InputError

_LONGEST = 500  # letters of what argparse says


class Parser(argparse.ArgumentParser):
    """A parser whose errors are InputErrors: one line, like all others."""

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the usage and exiting; what was typed is not repeated at any length."""
        raise InputError(message if len(message) <= _LONGEST else message[:_LONGEST] + "…")
