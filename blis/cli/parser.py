"""The parser of command lines: what is wrong with one is an InputError, like all other wrong input."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn

from blis.errors import InputError

_LONGEST = 500  # letters of what argparse says


class Parser(argparse.ArgumentParser):
    """A parser whose errors are InputErrors: one line, like all others. No text that is given may be empty."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        """As any parser."""
        super().__init__(*arguments, **settings)
        for kind in (None, str):  # whatever is read as it stands
            self.register("type", kind, _text)

    def add_subparsers(self, **settings: Any) -> Any:
        """As any parser: what stands behind the name of a command is for the command's own parser to read."""
        commands = super().add_subparsers(**settings)
        commands.type = lambda word: word
        return commands

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the usage and exiting; what was typed is not repeated at any length."""
        raise InputError(message if len(message) <= _LONGEST else message[:_LONGEST] + "…")


def _text(text: str) -> str:
    """A text: an empty one, say of a variable that the shell does not know, would count as if it were not there."""
    if not text.strip():
        raise argparse.ArgumentTypeError("must not be empty")
    return text
