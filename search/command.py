"""The commands beside the search, `blis-search NAME`: their arguments, and what is wrong with them in one line."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

from blis.cli.parser import Parser
from blis.errors import EngineError, InputError
from blis.stdout import note
from search.application import EXIT_FAILURE, EXIT_INPUT, EXIT_OK

Describe = Callable[[Parser], None]
Execute = Callable[[argparse.Namespace], None]


def run_command(name: str, arguments: Sequence[str], describe: Describe, execute: Execute) -> int:
    """The exit code of a command. describe: adds its arguments to a parser; execute: does what they say."""
    parser = Parser(
        prog=f"blis-search {name}", formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    describe(parser)
    try:
        execute(parser.parse_args(arguments))
    except InputError as error:
        note(f"error: {error}")
        return EXIT_INPUT
    except EngineError as error:
        note(f"error: {error}")
        return EXIT_FAILURE
    except MemoryError:
        note("error: this does not fit in memory")
        return EXIT_FAILURE
    return EXIT_OK
