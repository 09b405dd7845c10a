"""JSON lines: what is read, and one line for what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from blis.errors import InputError
from blis.workload.read.json_rows import json_lines


def read(folder: Path, text: str) -> list[tuple[str, dict]]:
    (folder / "x.jsonl").write_text(text)
    return [(where.rsplit(": ", 1)[1], row) for where, row in json_lines(folder / "x.jsonl", ("a", "b"))]


def test_every_object_and_the_line_it_is_in(tmp_path: Path):
    text = '{"a": 1, "b": 2}\n\n{"b": 3, "a": 4, "c": 5}\n'
    assert read(tmp_path, text) == [("line 1", {"a": 1, "b": 2}), ("line 3", {"b": 3, "a": 4, "c": 5})]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (" \n", "x.jsonl: empty file"),
        ("\n{\n", "x.jsonl: line 2: not valid JSON"),
        ('{"a": 1, "b": 2}\n3\n', "x.jsonl: line 2: a JSON object is expected, got '3'"),
        ('{"a": 1}\n', "x.jsonl: line 1: key 'b' is missing"),
        ('{"A": 1}\n', r"x.jsonl: line 1: keys 'a' \(is it 'A'\?\), 'b' are missing"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, said: str):
    with pytest.raises(InputError, match=said):
        read(tmp_path, text)
