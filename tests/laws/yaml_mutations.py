"""What can go wrong with a YAML file: typing errors, wrong values, broken text, texts that want to do harm."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from random import Random
from typing import Any

import yaml

_VALUES: tuple[Any, ...] = (
    *(math.nan, math.inf, -math.inf, 0, 0.0, -1, -0.5, 1, 2, 0.1, 7, 1e308, 1e-308, 1e16, 10**30),
    *(2**31 - 1, 2**31, 2**62, 2**63, 1_000_000, True, False, None, "", " ", "x", "1", "true", "weighted", "a\nb"),
    *("µ" * 300, "\u202e", [], [1], [None], [[1, 2], [3]], {}, {"a": 1}, {"policy": "random"}, {1: 2}, {"": ""}),
)
_BOMB = "&a0 [x, x, x, x, x, x, x, x, x, x]"
_TEXTS = (
    "!!python/object/apply:os.system ['true']",
    "!!timestamp 2020-01-01",
    "2020-01-01",
    "!!set {a, b}",
    "!!binary aGVsbG8=",
    "!!omap [a: 1]",
    "!unknown x",
    "? [a, b]\n: c",
    "&self [*self]",
    "&self {a: *self}",
    "*nowhere",
    "9" * 5000,
    "1_000",
    "0x1F",
    "0o17",
    "1:30",
    "1e400",
    ".1e5",
    "|",
    ">-",
    "'",
    '"\\x"',
    "{",
    "]",
    "%YAML 9.9",
    "--- 3",
    "# only a comment",
    "<<: {policy: random}",
)


def mutate(rng: Random, mapping: dict[str, Any]) -> bytes:
    """A file's content with one to three mistakes; a few files stay right."""
    mapping = copy.deepcopy(mapping)
    for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
        rng.choice(_TREE)(rng, mapping)
    text = yaml.safe_dump(mapping, sort_keys=False, allow_unicode=True)
    if rng.random() < 0.25:
        text = rng.choice(_TEXT)(rng, text)
    content = text.encode("utf-8", "surrogatepass")
    return _random_bytes(rng, content) if rng.random() < 0.05 else content


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key or index) of nested mappings and lists."""
    found: list[tuple[Any, Any]] = []
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        found.append((value, key))
        found += _places(value[key])
    return found


def _replace(rng: Random, mapping: dict[str, Any]) -> None:
    container, key = rng.choice(_places(mapping) or [({"": 0}, "")])
    container[key] = rng.choice(_VALUES)


def _misspell(rng: Random, mapping: dict[str, Any]) -> None:
    places = [(container, key) for container, key in _places(mapping) if isinstance(container, dict)]
    container, key = rng.choice(places or [({"": 0}, "")])
    name = str(key)
    at = rng.randint(0, len(name))
    wrong = rng.choice([name[:at] + name[at + 1 :], name[:at] + "x" + name[at:], name.upper(), name[::-1], "", 3, None])
    container[wrong] = container.pop(key)


def _misspell_text(rng: Random, mapping: dict[str, Any]) -> None:
    places = [(container, key) for container, key in _places(mapping) if isinstance(container[key], str)]
    if places:
        container, key = rng.choice(places)
        text = container[key]
        at = rng.randint(0, len(text))
        container[key] = text[:at] + rng.choice(["", "x", "-", " "]) + text[at + 1 :]


def _remove(rng: Random, mapping: dict[str, Any]) -> None:
    container, key = rng.choice(_places(mapping) or [({"": 0}, "")])
    del container[key]


def _wrap(rng: Random, mapping: dict[str, Any]) -> None:
    container, key = rng.choice(_places(mapping) or [({"": 0}, "")])
    value = container[key]
    for _ in range(rng.choice([1, 1, 2, 50])):
        value = rng.choice([[value], {"a": value}])
    container[key] = value


def _move(rng: Random, mapping: dict[str, Any]) -> None:
    """Put one part of the file where another belongs."""
    places = _places(mapping)
    if len(places) > 1:
        (container, key), (other, from_key) = rng.sample(places, 2)
        container[key] = copy.deepcopy(other[from_key])


_TREE: tuple[Callable[[Random, dict[str, Any]], None], ...] = (
    *(_replace, _replace, _replace),
    *(_misspell, _misspell_text, _remove, _wrap, _move),
)


def _truncate(rng: Random, text: str) -> str:
    return text[: rng.randint(0, len(text))]


def _repeat_line(rng: Random, text: str) -> str:
    lines = text.splitlines()
    at = rng.randrange(len(lines))
    return "\n".join([*lines[:at], lines[at], *lines[at:]]) + "\n"


def _tabs(rng: Random, text: str) -> str:
    return text.replace("  ", "\t", rng.randint(1, 5))


def _indent(rng: Random, text: str) -> str:
    lines = text.splitlines()
    at = rng.randrange(len(lines))
    lines[at] = " " * rng.randint(1, 7) + lines[at].lstrip()
    return "\n".join(lines)


def _strange_value(rng: Random, text: str) -> str:
    """Give a key a value that only YAML can write."""
    lines = [line for line in text.splitlines() if ":" in line] or ["a: 1"]
    line = rng.choice(lines)
    return text.replace(line, line.split(":")[0] + ": " + rng.choice(_TEXTS), 1)


def _extra_key(rng: Random, text: str) -> str:
    deep = rng.choice([10, 150, 1000, 20_000])
    levels = [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, rng.choice([3, 9, 30]))]
    merges = [f"m{i}: &m{i} {{<<: [{', '.join([f'*m{i - 1}'] * 10)}]}}" for i in range(1, 20)]
    return text + rng.choice(
        [
            "m0: &m0 {a: 1}\n" + "\n".join(merges) + "\n",
            "x: " + "[" * deep + "]" * deep + "\n",
            "x: " + "{a: " * deep + "1" + "}" * deep + "\n",
            "x: " + "- " * 50 + "\n",
            f"a0: {_BOMB}\n" + "\n".join(levels) + "\n",
            f"provenance: {{a0: {_BOMB}, " + ", ".join(levels) + "}\n",
            "---\nscheduler: sjf\n",
            "...\nmore\n",
            "\x00",
            "\ufeff",
            "x: \u2028y\n",
            rng.choice(_TEXTS) + "\n",
        ]
    )


_TEXT = (_truncate, _repeat_line, _tabs, _indent, _strange_value, _strange_value, _extra_key)


def _random_bytes(rng: Random, content: bytes) -> bytes:
    at = rng.randint(0, len(content))
    return content[:at] + rng.randbytes(rng.randint(1, 20)) + content[at + rng.randint(0, 5) :]
