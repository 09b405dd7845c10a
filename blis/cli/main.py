"""`blis`: one command, a subcommand for each job.

Results go to stdout, everything else to stderr; exit status 0 = success, 2 = bad input, 1 = failure.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Sequence
from importlib.metadata import version

from blis import plugins
from blis.cli import (
    calibrate,
    capacity,
    compare,
    completion,
    compose,
    convert,
    export_config,
    fit,
    import_config,
    observe,
    profile,
    replay,
    run,
    serve,
    traces,
    validate,
    workload,
)
from blis.cli.outputs import check_outputs
from blis.cli.parser import Parser
from blis.errors import EngineError, InputError, check_choice
from blis.stdout import delivered, note

BAD_INPUT = 2
FAILURE = 1

#: Our own commands, in the order of the help.
_OURS = {
    "run": run,
    "replay": replay,
    "serve": serve,
    "compare": compare,
    "capacity": capacity,
    "observe": observe,
    "fit": fit,
    "calibrate": calibrate,
    "traces": traces,
    "workload": workload,
    "convert": convert,
    "compose": compose,
    "profile": profile,
    "validate": validate,
    "import": import_config,
    "export": export_config,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    return delivered(lambda: _run(arguments))


def _run(arguments: Sequence[str] | None) -> int:
    try:
        options = _read(sys.argv[1:] if arguments is None else arguments)
        check_outputs(options)
        return int(options.execute(options) or 0)
    except InputError as error:
        return _complain(error, BAD_INPUT)
    except EngineError as error:
        return _complain(error, FAILURE)
    except MemoryError:
        return _complain(MemoryError("a run of this size does not fit in memory"), FAILURE)


def _read(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line; a command that there is not is answered by the nearest."""
    name = arguments[0] if arguments else ""
    parser, commands = _parser(others=name not in _OURS)
    if name and not name.startswith("-"):
        check_choice("command", name, commands)
    return parser.parse_args(arguments)


def _parser(others: bool) -> tuple[Parser, Collection[str]]:
    """The parser, and the names of its commands. others: those of installed packages, too."""
    parser = Parser(
        prog="blis",
        description="Simulate an LLM inference cluster.",
        epilog="blis COMMAND --help shows a command's options and examples.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"blis {version('blis')}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
    for module in (*_OURS.values(), *(plugins.modules(plugins.COMMANDS) if others else ())):
        module.add_parser(commands)
    completion.add_parser(commands)
    return parser, commands.choices


def _complain(error: Exception, status: int) -> int:
    note(f"blis: error: {error}")
    return status


if __name__ == "__main__":
    sys.exit(main())
