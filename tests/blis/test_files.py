"""Files are written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from blis.errors import InputError
from blis.files import read_text, write_text


def test_a_file_is_replaced_with_line_feeds_only(tmp_path: Path):
    write_text(tmp_path / "deep" / "x.txt", "old\n")
    write_text(tmp_path / "deep" / "x.txt", "é\nb\n")
    assert (tmp_path / "deep" / "x.txt").read_bytes() == "é\nb\n".encode()
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["x.txt"]


def test_a_link_keeps_pointing_at_its_file(tmp_path: Path):
    (tmp_path / "link").symlink_to(tmp_path / "file")
    write_text(tmp_path / "link", "new\n")
    assert (tmp_path / "link").is_symlink()
    assert read_text(tmp_path / "file") == "new\n"


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path):
    write_text(tmp_path / "x.txt", "old\n")
    with pytest.raises(UnicodeEncodeError):
        write_text(tmp_path / "x.txt", "new \udc80")
    assert read_text(tmp_path / "x.txt") == "old\n"
    assert [path.name for path in tmp_path.iterdir()] == ["x.txt"]


def test_unwritable_places_are_input_errors(tmp_path: Path):
    (tmp_path / "file").write_text("x")
    for place in (tmp_path / "file" / "below", tmp_path):
        with pytest.raises(InputError, match=str(place)):
            write_text(place, "x")


def test_a_device_is_written_to_and_never_replaced():
    write_text("/dev/null", "x\n")
    assert not Path("/dev/null").is_file()
