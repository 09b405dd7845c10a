"""Damaged checkpoints: bytes that rot, and content that somebody changed who knows how the digest is made."""

from __future__ import annotations

import copy
import io
import json
import traceback
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from blis.errors import InputError
from search.__main__ import run
from search.application import EXIT_OK
from search.resumed import continued
from search.running.checkpoint import begin
from search.running.loop import run_search
from search.saved import FILE, saved_text
from search.settings import make_settings
from tests.search.small import small_settings

SMALL = ("driver.budget=20", "validation.report_seeds=2", "validation.random_policies=0")

#: What stands where something else should.
STRANGE: tuple[Any, ...] = (
    *(None, True, -1, 0, 7, 2**63, 10**400, 1.5, -0.0, 1e308, "", "x", "../../outside", "/tmp/outside", "a\nb"),
    *([], {}, [[]], {"a": 1}, "é" * 999),
)

Node = dict[str, Any] | list[Any]


def damaged_checkpoints(folder: Path, n: int, seed: int) -> Iterator[tuple[str, str]]:
    """How each damaged checkpoint was answered, and what was wrong about that, if anything."""
    if n == 0:
        return
    sound, rng = folder / "sound", Random(seed)
    with redirect_stdout(io.StringIO()):
        assert run(small_settings(sound, *SMALL)) == EXIT_OK
    data, place = (sound / FILE).read_bytes(), folder / "damaged"
    before = sorted(folder.rglob("*"))
    for number in range(n):
        how = rng.choice(ROTTEN + CHANGED)
        place.mkdir(exist_ok=True)
        changed = how(data, rng)
        (place / FILE).write_bytes(changed)
        answer, problem = _answer(place)
        same = changed.split() == data.split()
        if (answer == "gone on with" and how in ROTTEN and not same) or (answer == "refused" and same):
            problem = "damage goes unseen" if not same else "a sound one is refused"
        outside = [path for path in folder.rglob("*") if path not in before and not path.is_relative_to(place)]
        if outside:
            problem = f"wrote {outside}"
        yield answer, f"checkpoint {number}, {how.__name__}: {problem}" if problem else ""


def _answer(folder: Path) -> tuple[str, str]:
    """What a resumption makes of a folder: one line, or a search that goes on to its next generation."""
    try:
        _go_on(folder)
    except InputError as error:
        return "refused", f"not one line: {error}" if "\n" in str(error) else ""
    except Exception:
        return "a traceback", traceback.format_exc(limit=-3)
    return "gone on with", ""


def _go_on(folder: Path) -> None:
    """Resume, and search for one generation more."""
    settings = make_settings(continued({"resume": str(folder)}, ["resume"]), folder)
    candidates, evaluator, archive = begin(settings)
    run_search(candidates, evaluator, replace(settings.driver, budget=len(archive.rows) + 10), archive)


def flipped(data: bytes, rng: Random) -> bytes:
    place = rng.randrange(len(data))
    return data[:place] + bytes([data[place] ^ (1 << rng.randrange(8))]) + data[place + 1 :]


def cut_off(data: bytes, rng: Random) -> bytes:
    return data[: rng.randrange(len(data))]


def without_a_piece(data: bytes, rng: Random) -> bytes:
    start = rng.randrange(len(data))
    return data[:start] + data[start + rng.randrange(1, 400) :]


def with_a_piece_twice(data: bytes, rng: Random) -> bytes:
    start = rng.randrange(len(data))
    piece = data[start : start + rng.randrange(1, 400)]
    return data[:start] + piece + data[start:]


def zeroed(data: bytes, rng: Random) -> bytes:
    start, length = rng.randrange(len(data)), rng.randrange(1, 4096)
    return data[:start] + bytes(len(data[start : start + length])) + data[start + length :]


def lines_swapped(data: bytes, rng: Random) -> bytes:
    lines = data.split(b"\n")
    one, other = rng.sample(range(len(lines)), 2)
    lines[one], lines[other] = lines[other], lines[one]
    return b"\n".join(lines)


def sealed(change: Callable[[dict[str, Any], Random], None]) -> Callable[[bytes, Random], bytes]:
    """Damage of the content, under a digest that is right."""

    def changed(data: bytes, rng: Random) -> bytes:
        content = json.loads(data)
        change(content, rng)
        rows = [json.dumps(row) for row in content.pop("rows", [])]
        kept = {key: value for key, value in content.items() if key not in ("about", "digest")}
        return saved_text(kept, rows).encode()

    changed.__name__ = change.__name__
    return changed


def _places(node: Any) -> Iterator[tuple[Node, Any]]:
    """Every place in nested data: what it is in, and its key or index there."""
    keys = node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    for key in keys:
        yield node, key
        yield from _places(node[key])


def _any_place(content: dict[str, Any], rng: Random) -> tuple[Node, Any]:
    """A place in a part of the content, all parts alike: most places are words of the random stream."""
    key = rng.choice([key for key in content if key not in ("about", "digest")])
    part = {key: content[key]} if rng.random() < 0.3 else content[key]
    places = list(_places(part))
    return rng.choice(places) if places else (content, key)


@sealed
def strange(content: dict[str, Any], rng: Random) -> None:
    node, key = _any_place(content, rng)
    node[key] = copy.deepcopy(rng.choice(STRANGE))


@sealed
def left_out(content: dict[str, Any], rng: Random) -> None:
    node, key = _any_place(content, rng)
    del node[key]


@sealed
def of_another_place(content: dict[str, Any], rng: Random) -> None:
    (node, key), (other, name) = _any_place(content, rng), _any_place(content, rng)
    node[key] = copy.deepcopy(other[name])


@sealed
def with_more(content: dict[str, Any], rng: Random) -> None:
    node, _ = _any_place(content, rng)
    if isinstance(node, dict):
        node[rng.choice(["x", "../y", ""])] = 1
    else:
        node.append(1)


@sealed
def ids_swapped(content: dict[str, Any], rng: Random) -> None:
    one, other = (row["evaluation"] for row in rng.sample(content["rows"], 2))
    one["genome_id"], other["genome_id"] = other["genome_id"], one["genome_id"]


@sealed
def rows_swapped(content: dict[str, Any], rng: Random) -> None:
    rows = content["rows"]
    one, other = rng.sample(range(len(rows)), 2)
    rows[one], rows[other] = rows[other], rows[one]


@sealed
def with_a_path(content: dict[str, Any], rng: Random) -> None:
    row = rng.choice(content["rows"])
    where = rng.choice([row, row["evaluation"], content])
    where[rng.choice([key for key in where if isinstance(where[key], str)])] = rng.choice(
        ["../../x", "/tmp/x", "..\\x"]
    )


ROTTEN = (flipped, cut_off, without_a_piece, with_a_piece_twice, zeroed, lines_swapped)
CHANGED = (strange, left_out, of_another_place, with_more, ids_swapped, rows_swapped, with_a_path)
