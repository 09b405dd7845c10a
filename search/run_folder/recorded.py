"""A run folder read back: what a search was asked, and what came of it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from blis.errors import InputError, named, one_line
from blis.files import read_text
from blis.json_strict import parse_json
from blis.policies.bundle import PolicyBundle, load_bundle
from blis.yaml_strict import check_mapping, load_mapping, named_source
from search.running.archive import LABELS, UNDONE_AND_HARM, Archive, Row
from search.running.evaluation import Evaluation
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
    settings, verdict = read_settings(folder), _json(folder / "verdict.json")
    info, candidates = _json(folder / "run_info.json"), _text(folder / "candidates.csv")
    with as_written(folder):
        started = datetime.fromisoformat(info["started"])
        return Finished(settings, read_archive(candidates, tuple(settings.space)), verdict, started, info["seconds"])


@contextmanager
def as_written(folder: Path) -> Iterator[None]:
    """Read on as if the files of a run folder had the form in which a search writes them; InputError if not."""
    try:
        yield
    except InputError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise InputError(f"{folder}: its files are not as a search wrote them: {named(error)}") from None


def exported_bundle(folder: Path) -> PolicyBundle:
    """What a search exported. Raises InputError if that is not there, or does not say where it is from."""
    path = folder / "best_policy.yaml"
    bundle = load_bundle(path)
    if not bundle.provenance:
        raise InputError(f"{path}: no provenance: this is not what a search exported")
    return bundle


def read_settings(folder: Path) -> Settings:
    """The settings of a search that has ended, without a store: its address may lack its secret."""
    if not folder.is_dir():
        raise InputError(f"{folder} is no run folder")
    for name in ("verdict.json", "config.yaml"):  # the last sign of a search that was killed is its checkpoint
        _text(folder / name)
    with named_source(f"{folder}/config.yaml"):
        config = load_mapping(folder / "config.yaml")
        untracked = {**check_mapping(config.get("tracking"), "tracking"), "enabled": False}
        return replace(make_settings({**config, "tracking": untracked}, folder), config=config)


def read_archive(text: str, space_keys: Sequence[str]) -> Archive:
    """The archive of a candidates.csv. space_keys: its last columns."""
    header, *lines = csv.reader(io.StringIO(text))
    terms = header[len(LABELS) : header.index(UNDONE_AND_HARM[0])]
    scores = header[header.index(UNDONE_AND_HARM[-1]) + 1 : len(header) - len(space_keys)]
    columns = _Columns(terms, [name for name in scores if re.fullmatch(r"seed_\d+", name)], scores, space_keys)
    rows = [_row(dict(zip(header, line, strict=True)), columns) for line in lines]
    return Archive(tuple(space_keys), tuple(terms), rows)


class _Columns(NamedTuple):
    """The names of columns. scores: of the seeds, then of other worlds."""

    terms: Sequence[str]
    seeds: Sequence[str]
    scores: Sequence[str]
    space_keys: Sequence[str]


def _row(cells: Mapping[str, str], columns: _Columns) -> Row:
    """One line; a blank cell is nothing."""
    names = ("fitness", *columns.terms, *UNDONE_AND_HARM, *columns.scores)
    numbers = {name: float(cells[name]) for name in names if cells[name]}
    evaluation = Evaluation(
        cells["genome_id"],
        cells["status"],
        cells["reason"],
        fitness=numbers.get("fitness"),
        terms={name: numbers[name] for name in columns.terms if name in numbers},
        undone=numbers.get("u"),
        harm=numbers.get("harm"),
        seed_values=tuple(map(numbers.get, columns.seeds)),
        worlds={name: numbers.get(name) for name in columns.scores[len(columns.seeds) :]},
    )
    genome: Genome = {key: cells[key] for key in columns.space_keys if cells[key]}
    return Row(int(cells["index"]), int(cells["generation"]), cells["origin"], genome, None, evaluation, cells["name"])


def _json(path: Path) -> dict[str, Any]:
    text = _text(path)
    with named_source(path):
        return json_mapping(text)


def json_mapping(text: str) -> dict[str, Any]:
    """The mapping that a JSON text is."""
    try:
        return check_mapping(parse_json(text), "")
    except InputError:
        raise
    except ValueError as error:
        raise InputError(f"not JSON: {one_line(error)}") from None


def _text(path: Path) -> str:
    """A file of a finished search. Raises InputError if there is none."""
    if not path.is_file():
        raise InputError(f"{path.parent} holds no finished search: it has no {path.name}")
    return read_text(path)
