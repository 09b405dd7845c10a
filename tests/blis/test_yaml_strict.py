"""Wrong YAML gives one line with the key, the value and what would be right; right YAML round-trips."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from blis.errors import InputError, check_number
from blis.yaml_strict import (
    OneLineList,
    build,
    dump_yaml,
    flat_keys,
    key_lines,
    load_mapping,
    load_yaml,
    parse_yaml,
    plain,
    yaml_text,
)


@dataclass(frozen=True)
class Wheel:
    radius_mm: float
    spokes: int = 32

    def __post_init__(self) -> None:
        check_number("radius_mm", self.radius_mm, above=0)


@dataclass(frozen=True)
class Bike:
    name: str
    wheels: tuple[Wheel, ...] = ()
    seat: Wheel | None = None
    offset_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    sold: bool = False
    notes: dict[str, object] = field(default_factory=dict)


def test_nested_keys_are_joined_with_dots():
    assert flat_keys({"a": {"b": {"c": 1}, "e": {}}, "d": [1, {"f": 2}]}) == {"a.b.c": 1, "d": [1, {"f": 2}]}


def message(call) -> str:
    with pytest.raises(InputError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_document_becomes_a_dataclass_and_back():
    mapping = {"name": "a", "wheels": [{"radius_mm": 3}, {"radius_mm": 2.5, "spokes": 8}], "offset_mm": [1, 2.0, 3]}
    bike = build(Bike, mapping)
    assert bike == Bike("a", (Wheel(3.0), Wheel(2.5, 8)), None, (1.0, 2.0, 3.0))
    assert isinstance(bike.wheels[0].radius_mm, float)
    assert build(Bike, plain(bike)) == bike
    assert "seat" not in plain(bike)


@pytest.mark.parametrize("number", ["017", "0b11", "1:30", "-0_7", "1:30.5", "00"])
def test_numbers_that_yaml_1_1_reads_as_others_are_refused(number):
    said = message(lambda: parse_yaml(f"a: 1\nb: {number}\n", "x.yaml"))
    assert said.startswith(f"x.yaml: line 2: '{number}' is read as another number by YAML 1.1; write it in decimal")
    assert parse_yaml(f"a: '{number}'", "x.yaml") == {"a": number}


def test_numbers_that_all_read_alike():
    assert parse_yaml("[0, -7, 10, 0.5, 1e3, .5, 0x1f, 0.07]", "x") == [0, -7, 10, 0.5, 1000.0, 0.5, 31, 0.07]


@pytest.mark.parametrize("text", ["017", "1:30", "0b11"])
def test_a_text_that_looks_like_one_is_written_so_that_it_comes_back(tmp_path, text):
    dump_yaml({"name": text}, tmp_path / "x.yaml")
    assert load_yaml(tmp_path / "x.yaml") == {"name": text}


def test_optional_and_free_parts():
    bike = build(Bike, {"name": "a", "seat": {"radius_mm": 1}, "notes": {"any": [1, {"x": None}]}})
    assert bike.seat == Wheel(1.0) and bike.notes == {"any": [1, {"x": None}]}
    assert build(Bike, {"name": "a", "seat": None}).seat is None


#: Twenty levels of ten aliases each: 10 ** 21 values if they were written out.
BOMB = "\n".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 21))


@pytest.mark.parametrize(
    ("mapping", "parts"),
    [
        ({"name": "a", "weels": []}, ["unknown key 'weels'", "did you mean 'wheels'?", "seat"]),
        ({"name": "a", "wheels": [{"radius": 3}]}, ["wheels[0]:", "did you mean 'radius_mm'?"]),
        ({"name": "a", "radius_mm": 3}, ["unknown key 'radius_mm' (it is called 'seat.radius_mm' here)"]),
        ({"name": "a", "wheels": [{"spokes": 3}]}, ["missing key wheels[0].radius_mm"]),
        ({}, ["missing key name"]),
        ({"name": 5}, ["name must be a text, got 5"]),
        ({"name": None}, ["name must be a text, got nothing"]),
        ({"name": "a", "sold": 1}, ["sold must be true or false, got 1"]),
        ({"name": "a", "seat": {"radius_mm": True}}, ["seat.radius_mm must be a number, got True"]),
        ({"name": "a", "seat": {"radius_mm": 1, "spokes": 8.0}}, ["seat.spokes must be a whole number, got 8.0"]),
        ({"name": "a", "seat": {"radius_mm": 1, "spokes": True}}, ["seat.spokes must be a whole number, got True"]),
        ({"name": "a", "seat": {"radius_mm": "1"}}, ["seat.radius_mm must be a number, got '1'"]),
        ({"name": "a", "seat": {"radius_mm": -1}}, ["seat:", "radius_mm must be > 0, got -1"]),
        ({"name": "a", "seat": {"radius_mm": 10**400}}, ["seat.radius_mm is too large"]),
        ({"name": "a", "seat": [1]}, ["seat must be a mapping"]),
        ({"name": "a", "wheels": "x"}, ["wheels must be a list, got 'x'"]),
        ({"name": "a", "offset_mm": [1, 2]}, ["offset_mm must be a list of 3 values, got 2"]),
        ([1], ["must be a mapping"]),
        ({1: 2}, ["keys must be texts, got 1"]),
    ],
)
def test_errors_name_the_key_and_what_is_right(mapping, parts):
    text = message(lambda: build(Bike, mapping))
    for part in parts:
        assert part in text


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a: 1\nb: 2\na: 3\n", ["x.yaml: line 3:", "duplicate key 'a'", "line 1"]),
        ("a:\n  b: 1\n  b: 2\n", ["line 3:", "duplicate key 'b'"]),
        ("a: 1\n---\nb: 2\n", ["a second document"]),
        ("a: [1, 2\n", ["x.yaml: line"]),
        ("a: !!python/object/apply:os.system [ls]\n", ["line 1:"]),
        ("? [1, 2]\n: 3\n", ["key must be a single word"]),
        ("a: \x07\n", ["x.yaml: not valid YAML"]),
        ("[" * 5000, ["x.yaml"]),
        ("a: 2024-13-45\n", ["x.yaml: not valid YAML"]),
        ("a: !!timestamp x\n", ["x.yaml: not valid YAML"]),
        ("a: !!omap x\n", ["x.yaml:", "line 1"]),
        ("a: &a [1, *a]\n", ["x.yaml: not valid YAML: an alias stands for something that it is a part of"]),
        ("a: &a {b: {c: *a}}\n", ["an alias stands for something that it is a part of"]),
        ("a0: &a0 [" + "x, " * 10 + "]\n" + BOMB, ["more than 1000000 values, with all aliases written out"]),
    ],
)
def test_wrong_yaml_names_file_and_line(text, parts):
    found = message(lambda: parse_yaml(text, "x.yaml"))
    for part in parts:
        assert part in found


def test_merges_of_merges_stay_small():
    levels = [f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 10)}]}}" for i in range(1, 30)]
    assert parse_yaml("a0: &a0 {x: 1}\n" + "\n".join(levels), "x")["a29"] == {"x": 1}


def test_lines_of_keys_are_no_more_than_those_of_the_text():
    merges = "".join(f"a{i}: &a{i}\n  <<: [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 60))
    lines = key_lines("a0: &a0\n  x: 1\nlist:\n- y\n- *a0\n" + merges)
    assert (lines["a0.x"], lines["list[0]"]) == (2, 4)
    assert len(lines) < 300


def test_exponents_are_numbers_and_merged_keys_may_be_overridden():
    assert parse_yaml("[1e6, -2E-3, 1.5e3, 5.e1, 1_000]", "x") == [1e6, -2e-3, 1500.0, 50.0, 1000]
    merged = parse_yaml("base: &b {x: 1, y: 2}\nc: &c {<<: *b, x: 3}\nd: {<<: *c, y: 4}\n", "x")
    assert merged == {"base": {"x": 1, "y": 2}, "c": {"x": 3, "y": 2}, "d": {"x": 3, "y": 4}}


def test_files_that_cannot_be_read(tmp_path: Path):
    assert "no.yaml: No such file" in message(lambda: load_yaml(tmp_path / "no.yaml"))
    assert "Is a directory" in message(lambda: load_yaml(tmp_path))
    (tmp_path / "latin.yaml").write_bytes(b"name: caf\xe9\n")
    assert "not a UTF-8" in message(lambda: load_yaml(tmp_path / "latin.yaml"))
    assert "null" in message(lambda: load_yaml("a\0b"))


def test_an_empty_file_is_an_empty_mapping(tmp_path: Path):
    (tmp_path / "empty.yaml").write_text("# nothing\n")
    assert load_yaml(tmp_path / "empty.yaml") is None
    assert load_mapping(tmp_path / "empty.yaml") == {}


def test_written_files_read_back_equal_and_byte_identical(tmp_path: Path):
    shared = [1, 2.5, 1e-9]
    value = {"b": shared, "a": {"c": shared, "d": "é: x", "e": "1e6", "f": True}}
    dump_yaml(value, tmp_path / "new" / "x.yaml")
    first = (tmp_path / "new" / "x.yaml").read_bytes()
    dump_yaml(value, tmp_path / "new" / "x.yaml")
    assert load_yaml(tmp_path / "new" / "x.yaml") == value
    assert (tmp_path / "new" / "x.yaml").read_bytes() == first
    assert b"&" not in first and b"\r" not in first
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["x.yaml"]


def test_a_list_may_stand_in_one_line():
    assert yaml_text({"rows": [OneLineList([1, 2]), OneLineList([3])], "others": [4]}) == (
        "rows:\n- [1, 2]\n- [3]\nothers:\n- 4\n"
    )
