"""Files are written whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyarrow
import pytest

from blis.errors import EngineError, InputError
from blis.files import WholeFile, check_writable, read_text, stored_bytes, unpacked_name, write_bytes, write_text
from tests.places import ROOT


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
    with pytest.raises(EngineError, match=r"x\.txt: .* surrogates not allowed"):
        write_text(tmp_path / "x.txt", "new \udc80")
    assert read_text(tmp_path / "x.txt") == "old\n"
    assert [path.name for path in tmp_path.iterdir()] == ["x.txt"]


#: A write of 100,000 bytes where files may not grow beyond 1,000, as if the disk were full.
OUT_OF_ROOM = """
import resource, sys
from blis.errors import EngineError
from blis.files import write_bytes
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
try:
    write_bytes(sys.argv[1], bytes(100_000))
except EngineError as error:
    print(error)
"""


def test_a_write_that_runs_out_of_room_leaves_the_old_file_and_no_litter(tmp_path: Path):
    write_bytes(tmp_path / "x.bin", b"old")
    command = [sys.executable, "-c", OUT_OF_ROOM, str(tmp_path / "x.bin")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == f"{tmp_path / 'x.bin'}: File too large\n"
    assert (tmp_path / "x.bin").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["x.bin"]


def test_an_interrupt_right_after_the_rename_is_one_and_loses_nothing(tmp_path: Path, monkeypatch):
    replace = os.replace

    def interrupted(source, target):
        replace(source, target)
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_text(tmp_path / "x.txt", "new\n")
    assert [(path.name, read_text(path)) for path in tmp_path.iterdir()] == [("x.txt", "new\n")]


def test_who_reads_a_file_while_it_is_replaced_reads_the_old_one(tmp_path: Path):
    write_text(tmp_path / "x.txt", "old\n")
    with open(tmp_path / "x.txt") as reader:
        write_text(tmp_path / "x.txt", "new\n")
        assert reader.read() == "old\n"


def test_a_file_has_the_permissions_of_any_other(tmp_path: Path):
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "x.txt", "x")
        assert (tmp_path / "x.txt").stat().st_mode & 0o777 == 0o640
    finally:
        mask = os.umask(before)
    assert mask == 0o027  # as it was


@pytest.mark.parametrize(("data", "problem"), [(b"\xff\xfe", "not a UTF-8 text file"), (None, "No such file")])
def test_unreadable_files_are_input_errors(tmp_path: Path, data: bytes | None, problem: str):
    if data is not None:
        (tmp_path / "x.txt").write_bytes(data)
    with pytest.raises(InputError, match=f"x.txt: {problem}"):
        read_text(tmp_path / "x.txt")


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
@pytest.mark.parametrize("name", ["x.txt", "x.txt.gz"])
def test_compressed_files_are_read_whatever_they_are_called(tmp_path: Path, codec: str, name: str):
    packed = pyarrow.compress("täglich\r\n".encode(), codec=codec, asbytes=True)
    (tmp_path / name).write_bytes(packed)
    assert read_text(tmp_path / name) == "täglich\n"
    assert stored_bytes(tmp_path / name) == packed
    (tmp_path / name).write_bytes(packed[: len(packed) - 9])
    with pytest.raises(InputError, match=f"{name}: a compressed file that cannot be unpacked: "):
        read_text(tmp_path / name)


@pytest.mark.parametrize(("name", "inner"), [("a/t.jsonl.zst", "a/t.jsonl"), ("t.GZ", "t"), ("t.csv", "t.csv")])
def test_the_ending_of_a_compressed_file_is_no_part_of_its_name(name: str, inner: str):
    assert unpacked_name(name) == Path(inner)


def test_a_byte_order_mark_is_not_read(tmp_path: Path):
    (tmp_path / "x.txt").write_bytes("\ufeffa\n".encode())
    assert read_text(tmp_path / "x.txt") == "a\n"


def test_unwritable_places_are_one_line(tmp_path: Path):
    (tmp_path / "file").write_text("x")
    for place in (tmp_path / "file" / "below", tmp_path):
        for write in (lambda path: write_text(path, "x"), check_writable):
            with pytest.raises(EngineError, match=str(place)):
                write(place)
    with pytest.raises(EngineError, match=r"'a\\x00b': embedded null"):
        write_text("a\0b", "x")
    with pytest.raises(EngineError, match=r"'a\\x00b': embedded null"):
        check_writable("a\0b")


def test_looking_whether_a_place_is_writable_leaves_nothing(tmp_path: Path):
    (tmp_path / "x.txt").write_text("old\n")
    for place in (tmp_path / "x.txt", tmp_path / "new" / "deep" / "x.txt", "/dev/null"):
        check_writable(place)
    assert [path.name for path in tmp_path.iterdir()] == ["x.txt"] and read_text(tmp_path / "x.txt") == "old\n"


def test_a_device_is_written_to_and_never_replaced():
    write_text("/dev/null", "x\n")
    assert not Path("/dev/null").is_file()


def test_a_file_is_there_once_all_parts_of_it_are(tmp_path):
    path = tmp_path / "new" / "a.txt"
    with WholeFile(path) as file:
        file.write(b"one ")
        assert not path.exists()
        file.write(b"two")
    assert path.read_bytes() == b"one two" and [each.name for each in path.parent.iterdir()] == ["a.txt"]


def test_a_file_that_is_broken_off_stays_as_it_was(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("before")
    with pytest.raises(InputError, match="of another file"), WholeFile(path) as file:
        file.write(b"half")
        raise InputError("of another file")
    assert path.read_text() == "before" and len(list(tmp_path.iterdir())) == 1
