"""`blis-search report RUN`: the page of an earlier search, made anew."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from blis.cli.parser import Parser
from search.command import run_command
from search.report.finished import settings_of
from search.report.page import PAGE, write_page
from search.run_folder.recorded import as_written


def main(arguments: Sequence[str]) -> int:
    """The command; its exit code."""
    return run_command("report", arguments, _describe, _execute)


def _describe(parser: Parser) -> None:
    parser.description = f"Make {PAGE} of a search anew, from the files in its run folder."
    parser.add_argument("run", metavar="RUN", type=Path, help="the run folder of a search")


def _execute(options: argparse.Namespace) -> None:
    with as_written(options.run):
        write_page(settings_of(options.run))
    print(options.run / PAGE)
