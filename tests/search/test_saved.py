"""The file of a checkpoint: it comes back as it was written, and no damage goes unseen."""

import json
import random

import pytest

from blis.errors import InputError
from search.saved import FILE, SavedRow, read_saved, saved_text

CONTENT = {
    "run_id": "0123456789abcdef",
    "code": {"blis/engine": "aa"},
    "libraries": {"numpy": "2"},
    "config": {"seed": 1, "driver": {"budget": 40}},
    "generation": 0,
    "candidates": {"driver": {"rng": [1, 0.1 + 0.2]}},
}
ROW = {"index": 0, "generation": 0, "origin": "random", "name": "é", "genome": {"a": 0.5}, "evaluation": {"x": None}}
TEXT = saved_text(CONTENT, [json.dumps(ROW)])


def read(folder, text, **how):
    (folder / FILE).write_text(text, **how)
    return read_saved(folder)


def sealed(folder, **changes):
    """A checkpoint with other content, whose digest is right."""
    content, rows = {**CONTENT, **changes}, changes.pop("rows", [ROW])
    content.pop("rows", None)
    return read(folder, saved_text(content, [json.dumps(row) for row in rows]))


def test_everything_comes_back(tmp_path):
    found = read(tmp_path, TEXT)
    assert vars(found) == {"about": found.about, **CONTENT, "rows": (SavedRow(**ROW),)}


def test_a_person_can_read_it():
    lines = TEXT.splitlines()
    assert "To go on: python -m search resume=<this folder>" in lines[1]
    assert json.loads(TEXT)["rows"] == [ROW]
    assert sum(line.startswith('{"index": ') for line in lines) == 1


def test_every_byte_counts(tmp_path):
    data, rng = TEXT.encode(), random.Random(0)
    for _ in range(200):
        place, bit = rng.randrange(len(data) - 3), 1 << rng.randrange(8)
        (tmp_path / FILE).write_bytes(data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :])
        with pytest.raises(InputError):
            read_saved(tmp_path)


@pytest.mark.parametrize("length", [0, 1, 50, len(TEXT) // 2, len(TEXT) - 60])
def test_half_a_file_is_none(tmp_path, length):
    with pytest.raises(InputError, match=f"resume: {tmp_path}/{FILE}: (not a checkpoint|damaged)"):
        read(tmp_path, TEXT[:length])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"generation": "0"}, "generation must be a whole number, got '0'"),
        ({"rows": [{**ROW, "genome": None}]}, r"rows\[0\].genome must be a mapping"),
        ({"rows": [{**ROW, "path": "../x"}]}, r"rows\[0\]: unknown key 'path'"),
        ({"about": "A search of last year"}, "not a checkpoint of this version"),
        ({"candidates": {"rng": [float("nan")]}}, "not a checkpoint: NaN is no number"),
        ({"code": {"blis/engine": 7}}, "code.blis/engine must be a text"),
    ],
)
def test_other_content_is_checked_like_any_input(tmp_path, changes, message):
    with pytest.raises(InputError, match=f"resume: {tmp_path}/{FILE}: {message}"):
        sealed(tmp_path, **changes)


def test_without_its_digest_it_is_damaged(tmp_path):
    with pytest.raises(InputError, match="damaged: its digest"):
        read(tmp_path, TEXT.partition(',\n"digest"')[0] + "\n}")


def test_nothing_nests_too_deep_and_no_number_is_too_long(tmp_path):
    for value in ("[" * 100_000, "1" * 5000):
        broken = TEXT.partition(',\n"digest"')[0].replace('"generation": 0', f'"generation": {value}', 1)
        with pytest.raises(InputError, match=r"not a checkpoint: .+"):
            read(tmp_path, broken + "\n}")


def test_no_file_no_checkpoint(tmp_path):
    with pytest.raises(InputError, match=f"resume: {tmp_path} has no checkpoint"):
        read_saved(tmp_path)
