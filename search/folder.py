"""A run folder: what a search writes there, and that it belongs to one search at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain, count
from pathlib import Path

from filelock import FileLock, Timeout

from blis.errors import InputError

#: Every file of a search; a folder with one of them holds a search, whatever else lies there.
FILES = (
    *("checkpoint", "config.yaml", "scenario.yaml", "run_info.json"),
    *("candidates.csv", "best_policy.yaml", "best_candidate.yaml", "verdict.json"),
    *("figures/overview.png", "report.html"),
    *("pareto.csv", "pareto/*.yaml", "figures/pareto.png", "quarantine/*.yaml"),
)

LOCK = ".lock"


def written(folder: Path) -> list[Path]:
    """The files of the search in a folder, and nobody else's."""
    return sorted(path for pattern in FILES for path in folder.glob(pattern) if path.is_file())


def short_name(folder: str | Path) -> str:
    """The end of a folder's path: enough to name its search."""
    return "/".join(Path(folder).parts[-2:])


@contextmanager
def claimed(folder: Path, *, resumed: bool = False, movable: bool = False) -> Iterator[Path]:
    """Hold a folder for one search; it is made, and taken away again if nothing came of it.

    resumed: it holds the search that goes on. movable: if it is taken, take one with a number behind its name.
    Raises InputError if it is taken or cannot be used.
    """
    numbered = (folder.with_name(f"{folder.name}-{n}") for n in count(2)) if movable else ()
    for place in chain([folder], numbered):
        with _locked(place) as ours:
            if ours and (resumed or not written(place)):
                yield place
                return
    whose = "an earlier search; to go on with it: resume=" + str(folder) if ours else "a search that is under way"
    raise InputError(f"{folder} belongs to {whose}")


@contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Whether a folder is this process's while this lasts."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK, timeout=0)
        lock.acquire()
    except Timeout:
        yield False
        return
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror or error}") from None
    try:
        yield True
    finally:
        with suppress(OSError):
            (folder / LOCK).unlink()  # while it is ours
        lock.release()
        with suppress(OSError):  # not empty: something came of it
            folder.rmdir()
