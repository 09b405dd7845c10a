"""A run folder read back: what a search was asked, and what came of it."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from blis.errors import InputError, one_line
from blis.files import read_text
from blis.yaml_strict import load_mapping, named_source
from search.running.archive import LABELS, UNDONE_AND_HARM, Archive, Row
from search.running.evaluator import Evaluation
from search.settings import Settings, make_settings
from search.space.space import Genome


@dataclass(frozen=True)
class Finished:
    """A search that has ended. verdict: the content of verdict.json; seconds: wall clock by part.

    archive: without policies, and with the values of genomes as they are written.
    """

    settings: Settings
    archive: Archive
    verdict: Mapping[str, Any]
    started: datetime
    seconds: Mapping[str, float]


def read_run(folder: Path) -> Finished:
    """All of it. Raises InputError for a folder that holds no finished search, or files that nobody can read."""
    settings = read_settings(folder)
    info = _json(folder / "run_info.json")
    archive = read_archive(_text(folder / "candidates.csv"))
    started = datetime.fromisoformat(info["started"])
    return Finished(settings, archive, _json(folder / "verdict.json"), started, info["seconds"])


def read_settings(folder: Path) -> Settings:
    """The settings of a search that has ended, without a store: its address may lack its secret."""
    if not folder.is_dir():
        raise InputError(f"{folder} is no run folder")
    _text(folder / "verdict.json")  # the last sign of a search that was killed is its checkpoint
    with named_source(f"{folder}/config.yaml"):
        config = load_mapping(folder / "config.yaml")
        untracked = {**config["tracking"], "enabled": False}
        return replace(make_settings({**config, "tracking": untracked}, folder), config=config)


def read_archive(text: str) -> Archive:
    """The archive of a candidates.csv."""
    header, *lines = csv.reader(io.StringIO(text))
    terms = header[len(LABELS) : header.index(UNDONE_AND_HARM[0])]
    others = header[header.index(UNDONE_AND_HARM[-1]) + 1 :]
    keys = [name for name in others if not re.fullmatch(r"seed_\d+", name)]
    rows = [_row(dict(zip(header, line, strict=True)), terms, keys) for line in lines]
    return Archive(tuple(keys), tuple(terms), rows)


def _row(cells: Mapping[str, str], terms: Sequence[str], keys: Sequence[str]) -> Row:
    """One line; a blank cell is nothing."""
    numbers = {name: float(cells[name]) for name in ("fitness", *terms, *UNDONE_AND_HARM) if cells[name]}
    evaluation = Evaluation(
        cells["genome_id"],
        cells["status"],
        cells["reason"],
        fitness=numbers.get("fitness"),
        terms={name: numbers[name] for name in terms if name in numbers},
        undone=numbers.get("u"),
        harm=numbers.get("harm"),
    )
    genome: Genome = {key: cells[key] for key in keys if cells[key]}
    return Row(int(cells["index"]), int(cells["generation"]), cells["origin"], genome, None, evaluation, cells["name"])


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(_text(path))
    except ValueError as error:
        raise InputError(f"{path}: {one_line(error)}") from None
    assert isinstance(found, dict)
    return found


def _text(path: Path) -> str:
    """A file of a finished search. Raises InputError if there is none."""
    if not path.is_file():
        raise InputError(f"{path.parent} holds no finished search: it has no {path.name}")
    return read_text(path)
