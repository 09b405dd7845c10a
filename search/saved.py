"""The file `checkpoint`: a search after its last finished generation, and a digest over that.

Whoever reads it gets all of it in the right types, or one clear line. What it means for a search that goes on is
said in `running/checkpoint.py`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from blis.errors import InputError, one_line
from blis.files import read_text
from blis.yaml_strict import build, named_source

FILE = "checkpoint"

ABOUT = "A search after its last finished generation. To go on: python -m search resume=<this folder>"

#: Between the content and the digest of all that stands before it.
_SEAL = ',\n"digest": '


@dataclass(frozen=True)
class SavedRow:
    """One evaluation without its policy, which follows from its name or its genome."""

    index: int
    generation: int
    origin: str
    name: str
    genome: dict[str, Any]
    evaluation: dict[str, Any]


@dataclass(frozen=True)
class Saved:
    """Everything that decides how a search goes on. code: digests of its parts. candidates: the state of the driver."""

    about: str
    run_id: str
    code: dict[str, str]
    libraries: dict[str, str]
    config: dict[str, Any]
    generation: int
    candidates: dict[str, Any]
    rows: tuple[SavedRow, ...]


def saved_text(content: Mapping[str, Any], rows: Sequence[str]) -> str:
    """The file's text: one line a key, and one a row under `rows`: a person can read it, and it is short.

    content: what `Saved` has, but for `about` and `rows`. rows: each as JSON.
    """
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in {"about": ABOUT, **content}.items()]
    text = "{\n" + ",\n".join([*lines, '"rows": [\n' + ",\n".join(rows) + "\n]"])
    return f'{text}{_SEAL}"{_digest(text)}"\n}}\n'


def read_saved(folder: Path) -> Saved:
    """What a folder's checkpoint holds. Raises InputError if there is none, or if it is damaged."""
    path = folder / FILE
    if not path.is_file():
        raise InputError(f"resume: {folder} has no checkpoint: no generation of a search was finished there")
    with named_source(f"resume: {path}"):
        text = read_text(path)
        content = _json(text)
        if not isinstance(content, dict) or content.get("about") != ABOUT:
            raise InputError("not a checkpoint of this version")
        if content.pop("digest", None) != _digest(text.rpartition(_SEAL)[0]):
            raise InputError("damaged: its digest says that it is not as it was written")
        return build(Saved, content)


def _json(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise InputError(f"not a checkpoint: {one_line(error)}") from None


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
