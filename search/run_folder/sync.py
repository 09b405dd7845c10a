"""`blis-search sync`: what an MLflow store has of searches made anew from their run folders."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from blis.cli.parser import Parser
from blis.errors import EngineError
from search.command import run_command
from search.config import default_tracking
from search.folder import claimed
from search.run_folder.datasets import pools
from search.run_folder.mlflow_store import Store
from search.run_folder.recorded import Finished, as_written, read_run
from search.run_folder.tracking import RUN_ID_TAG, STATUS, about_run, log_end, progress
from search.running.archive import Archive

#: How long a store may take for one search; nobody waits for a verdict here.
PATIENCE_S = 600.0


def main(arguments: Sequence[str]) -> int:
    """The command; its exit code."""
    return run_command("sync", arguments, _describe, _execute)


def _describe(parser: Parser) -> None:
    parser.description = "Log finished searches to an MLflow store, in place of what it has of them."
    parser.add_argument("runs", nargs="+", metavar="RUN", help="a run folder")
    parser.add_argument("--uri", help="of the store (default: that of each search)")


def _execute(options: argparse.Namespace) -> None:
    for run in options.runs:
        sync(Path(run).resolve(), options.uri)
        print(f"logged: {run}")


def sync(folder: Path, uri: str | None) -> None:
    """Log one search. uri: of the store, None = where it was, or might have been. EngineError if not all arrives."""
    found = read_run(folder)
    tracking = found.settings.tracking if found.settings.tracking.uri else default_tracking()
    tracking = replace(tracking, enabled=True, uri=uri or tracking.uri)  # which checks the address
    with claimed(folder, resumed=True), as_written(folder):
        if not log_run(replace(found, settings=replace(found.settings, tracking=tracking))):
            raise EngineError(f"{folder}: not all of it is in the store")


def log_run(found: Finished) -> bool:
    """Log a search to its store in place of what that has of it; whether all of it arrived."""
    settings, archive = found.settings, found.archive
    store = Store(settings.tracking.uri, settings.tracking.experiment)
    store.replace(RUN_ID_TAG, *about_run(settings, found.verdict["run_id"]), found.started)
    store.inputs(pools(settings))
    for generation in sorted({row.generation for row in archive.rows}):
        store.metrics(progress(_until(archive, generation), generation), generation)
    log_end(store, settings, archive, found.verdict, found.seconds)
    ended = found.started + timedelta(seconds=sum(found.seconds.values()))
    return store.close(STATUS.get(found.verdict["outcome"], "FINISHED"), ended, PATIENCE_S)


def _until(archive: Archive, generation: int) -> Archive:
    """The archive as it was after a generation."""
    return replace(archive, rows=[row for row in archive.rows if row.generation <= generation])
