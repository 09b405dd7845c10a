"""Names of workloads: those of conf/workload, the user's own, those of a checkout and those of an installation."""

from __future__ import annotations

from pathlib import Path

import blis
from blis.errors import unknown_name

_AROUND = Path(blis.__file__).parents[1]
_FOLDERS = (Path("conf/workload"), _AROUND / "conf" / "workload", _AROUND / "search" / "conf" / "workload")


def named_workloads() -> dict[str, Path]:
    """The files by name; those of the folder that the command is typed in come first."""
    files = {file.stem: file for folder in reversed(_FOLDERS) for file in sorted(folder.glob("*.yaml"))}
    files.pop("trace", None)  # asks for a file
    return files


def workload_file(word: str) -> str:
    """The file that a name stands for; a path is what it is. Raises InputError for no name, with the nearest."""
    path = Path(word).expanduser()
    if path.exists() or path.name != word or path.suffix:
        return word
    files = named_workloads()
    if word not in files:
        raise unknown_name("workload", word, files)
    return str(files[word])
