"""A YAML file of somebody else's, and the line of everything in it: errors say where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blis.errors import InputError
from blis.files import read_text
from blis.yaml_strict import check_mapping, key_lines, parse_yaml


@dataclass(frozen=True)
class Document:
    """What a file holds, and the lines of its keys by their paths."""

    source: str
    value: Mapping[str, Any]
    lines: Mapping[str, int]

    def wrong(self, path: str, problem: str) -> InputError:
        """The error for what stands at a path: file, line, key, problem."""
        line = self.lines.get(path)
        at = f" line {line}:" if line else ""
        return InputError(f"{self.source}:{at} {path + ': ' if path else ''}{problem}")


def load_document(path: str | Path) -> Document:
    """A YAML mapping from a file. Raises InputError if it is none."""
    return parse_document(read_text(path), str(path))


def parse_document(text: str, source: str) -> Document:
    """The same from a text; `source` names it in errors."""
    return Document(source, check_mapping(parse_yaml(text, source), source), key_lines(text))
