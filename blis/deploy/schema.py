"""What may stand where: values held against types that are data (config.yaml, plugins.yaml).

A type is a mapping of keys to types (`!` behind a key that must be there), a list of one type, or a word: `text`,
`whole`, `number`, `flag`, `duration` (10s, 1m30s), `quantity` (500, 10Gi), `mapping` (or nothing), `any`, `a|b` (one of
these texts), or `ref KIND …`, a text whose meaning config.py checks.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from blis.deploy.document import Document
from blis.errors import in_short, unknown_name
from blis.yaml_strict import load_mapping

_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?")
_DECIMAL, _BINARY = "kMGTPE", ("Ki", "Mi", "Gi", "Ti", "Pi", "Ei")


class Reference(NamedTuple):
    """A name of a plugin in a file: where it stands, and of which kinds the plugin may be."""

    path: str
    name: str
    kinds: tuple[str, ...]


@cache
def schema(name: str) -> Mapping[str, Any]:
    """One of the two files of types, by its name."""
    return load_mapping(Path(__file__).with_name(f"{name}.yaml"))


def check(document: Document, path: str, value: object, kind: Any) -> Iterator[Reference]:
    """Hold a value against a type; gives the names of plugins in it. Raises InputError with file, line and key."""
    if isinstance(kind, Mapping):
        yield from _check_keys(document, path, value, kind)
    elif isinstance(kind, list):
        if not isinstance(value, list):
            raise document.wrong(path, f"must be a list, got {_shown(value)}")
        for number, item in enumerate(value):
            yield from check(document, f"{path}[{number}]", item, kind[0])
    elif kind != "any":
        _check_scalar(document, path, value, kind)
        if kind.startswith("ref "):
            yield Reference(path, str(value), tuple(kind.split()[1:]))


def _check_keys(document: Document, path: str, value: object, kind: Mapping[str, Any]) -> Iterator[Reference]:
    if not isinstance(value, Mapping):
        raise document.wrong(path, f"must be a mapping of keys to values, got {_shown(value)}")
    types = {key.rstrip("!"): inner for key, inner in kind.items()}
    for key, item in value.items():
        where = f"{path}.{key}" if path else str(key)
        if key not in types:
            raise document.wrong(where, str(unknown_name("key", key, types)))
        yield from check(document, where, item, types[key])
    for key in kind:
        if key.endswith("!") and key.rstrip("!") not in value:
            raise document.wrong(path, f"missing key {key.rstrip('!')}")


def _check_scalar(document: Document, path: str, value: object, kind: str) -> None:
    test, wanted = _SCALARS.get(kind.partition(" ")[0], (None, ""))
    if test is None:
        choices = kind.split("|")
        if value not in choices:
            raise document.wrong(path, str(unknown_name("value", value, choices)))
    elif not test(value):
        raise document.wrong(path, f"must be {wanted}, got {_shown(value)}")


def _shown(value: object) -> str:
    return "nothing" if value is None else in_short(value, 60)


def _is_whole(value: object) -> bool:
    """One that fits into the router's, which are of 64 bits."""
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


def _is_number(value: object) -> bool:
    return _is_whole(value) or (isinstance(value, float) and math.isfinite(value))


def _is_text(value: object) -> bool:
    return isinstance(value, str)


_SCALARS: dict[str, tuple[Callable[[object], bool], str]] = {
    "text": (_is_text, "a text"),
    "ref": (_is_text, "the name of a plugin"),
    "whole": (_is_whole, "a whole number"),
    "number": (_is_number, "a number"),
    "mapping": (lambda value: value is None or isinstance(value, Mapping), "a mapping of keys to values"),
    "flag": (lambda value: isinstance(value, bool), "true or false"),
    "duration": (lambda value: isinstance(value, str) and _seconds(value) is not None, "a duration (10s, 1m30s)"),
    "quantity": (lambda value: bool(_QUANTITY.fullmatch(str(value))), "a quantity (500, 1k, 10Gi)"),
}


def duration_us(text: str) -> int:
    """Microseconds of a duration as Go writes it."""
    seconds = _seconds(text)
    assert seconds is not None  # it was checked
    return round(seconds * 1e6)


def _seconds(text: str) -> float | None:
    if text == "0":
        return 0.0
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def quantity(value: str | int) -> int:
    """The whole number of a Kubernetes quantity, rounded up."""
    found = _QUANTITY.fullmatch(str(value))
    assert found is not None  # it was checked
    number, suffix = float(found[1]), found[2] or ""
    if suffix == "m":
        return -int(-number // 1000)
    power = 1024 ** (_BINARY.index(suffix) + 1) if suffix in _BINARY else 1000 ** (_DECIMAL.find(suffix[:1] or " ") + 1)
    return -int(-number * power // 1)
