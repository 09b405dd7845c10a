"""`blis-search report RUN`: the page of an earlier search, made anew."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from blis.errors import EngineError, InputError
from blis.stdout import note
from search.application import EXIT_FAILURE, EXIT_INPUT, EXIT_OK
from search.report.finished import settings_of
from search.report.page import PAGE, write_page


def main(arguments: Sequence[str]) -> int:
    """The command; its exit code. Whatever is wrong is one line on stderr."""
    parser = argparse.ArgumentParser(
        prog="blis-search report",
        description=f"Make {PAGE} of a search anew, from the files in its run folder.",
    )
    parser.add_argument("run", metavar="RUN", type=Path, help="the run folder of a search")
    folder = parser.parse_args(arguments).run
    try:
        write_page(settings_of(folder))
    except (InputError, EngineError) as error:
        note(f"error: {error}")
        return EXIT_INPUT if isinstance(error, InputError) else EXIT_FAILURE
    print(folder / PAGE)
    return EXIT_OK
