"""What goes wrong with files of rows, command lines and overrides; files of YAML have tests/laws/yaml_mutations.py."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random

#: Cells, values of flags and of overrides that are no plain number or name, or one at the edge.
STRANGE = (
    *("", " ", "0", "-0", "-1", "1", "+3", " 3", "3 ", "1_0", "٣", "７", "1.5", "1e3", "1e400", "1e-400", "nan", "inf"),
    *(
        "-inf",
        "0x10",
        "017",
        "0b11",
        "1:30",
        "1,5",
        "1.",
        ".5",
        "--1",
        "null",
        "None",
        "true",
        "[]",
        "{}",
        "[1]",
        "'",
        '"',
    ),
    *(
        "2",
        "7",
        "20",
        "0.5",
        "0.75",
        "random",
        "fcfs",
        "least-loaded",
        "x",
        "weighted",
        "a b",
        "a=b",
        "a#b",
        "~/x",
        "~nobody/x",
        "日志",
        "µ" * 300,
        "\u202e",
        "${seed}",
        "${oc.env:NOWHERE}",
    ),
    *(str(2**31), str(2**62), str(2**63), str(10**30), "9" * 400, "9" * 5000, "../x.yaml", "/dev/null", "x.csv"),
)


def mutate_rows(rng: Random, text: str) -> bytes:
    """A file of rows with one to three mistakes; a few files stay right."""
    for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
        text = rng.choice(_ROWS)(rng, text)
    content = text.encode("utf-8", "surrogatepass")
    if rng.random() < 0.05:
        at = rng.randint(0, len(content))
        content = content[:at] + rng.randbytes(rng.randint(1, 20)) + content[at:]
    return content


def _lines(rng: Random, text: str, change: Callable[[list[str], int], None]) -> str:
    """The text with its lines changed at a random place."""
    lines = text.split("\n")
    change(lines, rng.randrange(len(lines)))
    return "\n".join(lines)


def _cell(rng: Random, text: str) -> str:
    def change(lines: list[str], at: int) -> None:
        cells = lines[at].split(",")
        cells[rng.randrange(len(cells))] = rng.choice(STRANGE)
        lines[at] = ",".join(cells)

    return _lines(rng, text, change)


def _value(rng: Random, text: str) -> str:
    """A value of a JSON line, which may be no JSON afterwards."""

    def change(lines: list[str], at: int) -> None:
        try:
            row = json.loads(lines[at])
            key = rng.choice(list(row))
        except (ValueError, TypeError, IndexError):
            return
        value = rng.choice([*STRANGE, json.dumps(rng.choice(STRANGE)), '"' + key + '": 1, "' + key + '": 2'])
        lines[at] = json.dumps({**row, key: "@"}).replace('"@"', value)

    return _lines(rng, text, change)


def _drop(rng: Random, text: str) -> str:
    return _lines(rng, text, lambda lines, at: lines.pop(at))


def _repeat(rng: Random, text: str) -> str:
    return _lines(rng, text, lambda lines, at: lines.insert(rng.randrange(len(lines) + 1), lines[at]))


def _swap(rng: Random, text: str) -> str:
    def change(lines: list[str], at: int) -> None:
        other = rng.randrange(len(lines))
        lines[at], lines[other] = lines[other], lines[at]

    return _lines(rng, text, change)


def _letter(rng: Random, text: str) -> str:
    at = rng.randrange(len(text) + 1)
    return (
        text[:at]
        + rng.choice(["", "x", ",", '"', "\n", "\r", "\0", "\ufeff", "{", "]", ":", " ", "-"])
        + text[at + 1 :]
    )


def _everywhere(rng: Random, text: str) -> str:
    old, new = rng.choice(
        [("\n", "\r\n"), (",", ";"), (",", ", "), ("\n", "\n\n"), (",", "\t"), ("0", "O"), ('"', "'")]
    )
    return text.replace(old, new)


def _cut(rng: Random, text: str) -> str:
    return text[: rng.randint(0, len(text))]


_ROWS = (_cell, _cell, _cell, _value, _value, _drop, _repeat, _swap, _letter, _letter, _everywhere, _cut)


def mutate_arguments(rng: Random, arguments: list[str]) -> list[str]:
    """Arguments `--flag=value` or `key=value` with another value, a misspelt name, none, or one more."""
    changed = list(arguments)
    for _ in range(rng.choice([0, 1, 1, 2])):
        at = rng.randrange(len(changed))
        name, _, value = changed[at].partition("=")
        letter = rng.randrange(len(name) + 1)
        changed[at] = rng.choice(
            [f"{name}={rng.choice(STRANGE)}"] * 6
            + [f"{name[:letter]}{rng.choice('x-_.=+~@')}{name[letter + 1 :]}={value}", name, f"{name}={value}={value}"]
        )
        if rng.random() < 0.1:
            changed.insert(at, rng.choice([changed[at], rng.choice(STRANGE)]))
    return changed
