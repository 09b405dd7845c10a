"""Strict YAML: a typo stops a run before anything happens, with the key, the value and what would be right.

`load_yaml` reads a file, `build` turns a mapping into frozen dataclasses whose field names are the keys,
`plain` is its inverse, `dump_yaml` writes.
"""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import yaml

from blis.errors import InputError, in_short, one_line, unknown_name
from blis.files import read_text, write_text

T = TypeVar("T")

_MAX_VALUES = 1_000_000  # in one document, a long text counting for several

_OLD_NUMBER = re.compile(r"[-+]?(0[0-9_]+|0b[01_]+|.*:.*)")

_EXPECTED: dict[object, str] = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


class _StrictLoader(yaml.SafeLoader):
    """SafeLoader that refuses duplicate keys and reads numbers as YAML 1.2 does.

    1e6 is one; `017`, `0b11` and `1:30`, which YAML 1.1 reads as 15, 3 and 90, are errors.
    """

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Compose a mapping; a key given twice is an error that names its line."""
        node = super().compose_mapping_node(anchor)
        first_line: dict[tuple[str, str], int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(problem="a key must be a single word", problem_mark=key.start_mark)
            name = (key.tag, key.value)
            if name in first_line:
                problem = f"duplicate key {key.value!r}, first given in line {first_line[name]}"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            first_line[name] = key.start_mark.line + 1
        return node

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Put in what `<<` merges, each key once, so that merges of merges stay as small as they look."""
        super().flatten_mapping(node)
        node.value = list({(key.tag, key.value): (key, value) for key, value in node.value}.values())

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        """A whole number that every reader takes for the same one."""
        _refuse_old_number(node)
        return int(super().construct_yaml_int(node))

    def construct_yaml_float(self, node: yaml.ScalarNode) -> float:
        """The same of a number."""
        _refuse_old_number(node)
        return float(super().construct_yaml_float(node))


def _refuse_old_number(node: yaml.ScalarNode) -> None:
    """Raise MarkedYAMLError for octal numbers (017), binary ones (0b11) and those to the base of 60 (1:30)."""
    if _OLD_NUMBER.fullmatch(node.value):
        problem = (
            f"{in_short(node.value)} is read as another number by YAML 1.1; write it in decimal digits, or quote it"
        )
        raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)


class OneLine(dict[str, Any]):
    """A mapping that is written in one line, whatever its length."""


class OneLineList(list[Any]):
    """A list that is written in one line, whatever its length."""


class _PlainDumper(yaml.SafeDumper):
    """SafeDumper without anchors: a file a person reads says what it means in place."""

    def ignore_aliases(self, _data: Any) -> bool:
        """Write a repeated object out again."""
        return True


_PlainDumper.add_representer(
    OneLine, lambda dumper, value: dumper.represent_mapping("tag:yaml.org,2002:map", value, flow_style=True)
)
_PlainDumper.add_representer(
    OneLineList, lambda dumper, value: dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=True)
)
_StrictLoader.add_constructor("tag:yaml.org,2002:int", _StrictLoader.construct_yaml_int)
_StrictLoader.add_constructor("tag:yaml.org,2002:float", _StrictLoader.construct_yaml_float)

for _side in (_StrictLoader, _PlainDumper):  # the dumper must quote the texts that the loader reads as numbers
    _side.add_implicit_resolver(
        "tag:yaml.org,2002:float", re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+0123456789.")
    )


def load_yaml(path: str | Path) -> object:
    """The one document of a YAML file as plain objects; None for an empty file.

    Raises InputError naming file, line and problem: unreadable, not UTF-8, not YAML, duplicate keys,
    more than one document.
    """
    return parse_yaml(read_text(path), str(path))


def parse_yaml(text: str, source: str) -> object:
    """The one document of a YAML text; `source` names it in errors."""
    try:
        document = yaml.load(text, Loader=_StrictLoader)  # a SafeLoader underneath
        _check_size(document)
        return document
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f" line {mark.line + 1}:" if mark else ""
        problem = error.problem or error.context or "not valid YAML"
        if "single document" in (error.context or ""):
            problem = "a second document; only one is allowed"
        raise InputError(f"{source}:{line} {problem}") from None
    except (yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        # PyYAML's own constructors raise all of these, for a date or a set that is none.
        raise InputError(f"{source}: not valid YAML: {one_line(error)}") from None


def key_lines(text: str) -> dict[str, int]:
    """The line of every key and item of a YAML text that `parse_yaml` has read, by its path (`plugins[0].type`).

    What an alias stands for has the lines of its first path alone, so that there are no more of them than of the text.
    """
    lines: dict[str, int] = {}
    seen: set[int] = set()

    def walk(node: yaml.Node | None, path: str) -> None:
        if id(node) in seen:
            return
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                name = _join(path, str(key.value))
                lines[name] = key.start_mark.line + 1
                walk(value, name)
        elif isinstance(node, yaml.SequenceNode):
            for number, item in enumerate(node.value):
                lines[f"{path}[{number}]"] = item.start_mark.line + 1
                walk(item, f"{path}[{number}]")

    walk(yaml.compose(text, Loader=_StrictLoader), "")
    return lines


def _check_size(document: object) -> None:
    """Refuse a document whose aliases (`*name`) repeat its parts without end, or too often to be written out."""
    size: dict[int, int] = {}  # by identity, of the containers that are done
    above: set[int] = set()

    def measure(value: object) -> int:
        if not isinstance(value, dict | list | set | tuple):
            return 1 + (len(value) // 100 if isinstance(value, str | bytes) else 0)
        if id(value) in above:
            raise ValueError("an alias stands for something that it is a part of")
        if id(value) not in size:
            above.add(id(value))
            parts = [*value, *value.values()] if isinstance(value, dict) else value
            size[id(value)] = 1 + sum(map(measure, parts))
            above.remove(id(value))
            if size[id(value)] > _MAX_VALUES:
                raise ValueError(f"more than {_MAX_VALUES} values, with all aliases written out")
        return size[id(value)]

    measure(document)


def load_mapping(path: str | Path) -> dict[str, Any]:
    """The mapping that a YAML file holds; an empty file is an empty mapping."""
    document = load_yaml(path)
    return check_mapping({} if document is None else document, str(path))


@contextmanager
def named_source(path: str | Path) -> Iterator[None]:
    """Put the name of the file being read before an InputError that does not start with it."""
    try:
        yield
    except InputError as error:
        if str(error).startswith(str(path)):
            raise
        raise InputError(f"{path}: {error}") from None


def check_mapping(value: object, path: str) -> dict[str, Any]:
    """`value` as a dict if it is a mapping with text keys, else InputError; `path` says where it stands."""
    if not isinstance(value, Mapping):
        raise _wrong_type(path, value, "a mapping of keys to values")
    for key in value:
        if not isinstance(key, str):
            raise InputError(f"{_where(path)}keys must be texts, got {key!r}")
    return dict(value)


def check_keys(
    mapping: Mapping[str, object], valid: Iterable[str], path: str = "", meant: Mapping[str, str] | None = None
) -> None:
    """Raise InputError for the first key of `mapping` that is not in `valid`; meant: where others belong."""
    names = list(valid)
    for key in mapping:
        if key not in names:
            raise InputError(f"{_where(path)}{unknown_name('key', key, names, (meant or {}).get(key))}")


@cache
def _types_of(cls: type) -> dict[str, Any]:
    """The types of a dataclass's fields; asking once is enough, and slow, as it is for the next three."""
    return typing.get_type_hints(cls)


@cache
def _fields_of(cls: type) -> dict[str, bool]:
    """The fields that a dataclass takes, and whether each must be given."""
    missing = dataclasses.MISSING
    return {
        field.name: field.default is missing and field.default_factory is missing
        for field in dataclasses.fields(cls)
        if field.init
    }


@cache
def _parts_of(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    """What a type is made of: dict and (str, float) of dict[str, float]."""
    return typing.get_origin(hint), typing.get_args(hint)


@cache
def _keys_below(cls: type) -> dict[str, str]:
    """The keys of the mappings in a dataclass's own, with the names of these before them."""
    found: dict[str, str] = {}
    for part, hint in _types_of(cls).items():
        for kind in filter(dataclasses.is_dataclass, (hint, *typing.get_args(hint))):
            found.update({field.name: f"{part}.{field.name}" for field in dataclasses.fields(kind) if field.init})
    return found


def build(cls: type[T], mapping: object, path: str = "") -> T:
    """The dataclass `cls` from a mapping whose keys are its field names.

    Nested dataclasses take mappings, tuples take lists, numbers take whole numbers too; nothing else is
    converted. Raises InputError with the full key path for unknown and missing keys, wrong types, and
    whatever the dataclass itself refuses.
    """
    values = check_mapping(mapping, path)
    fields = _fields_of(cls)  # type: ignore[arg-type]
    check_keys(values, fields, path, _keys_below(cls))  # type: ignore[arg-type]
    hints = _types_of(cls)  # type: ignore[arg-type]
    arguments = {key: _convert(hints[key], value, _join(path, key)) for key, value in values.items()}
    for name, needed in fields.items():
        if needed and name not in arguments:
            raise InputError(f"missing key {_join(path, name)}")
    try:
        return cls(**arguments)
    except InputError as error:
        if not path or str(error).startswith(path):
            raise
        raise InputError(f"{path}: {error}") from None


def plain(value: Any) -> Any:
    """A dataclass as the mapping that `build` reads back equal: tuples become lists, None fields are left out."""
    if dataclasses.is_dataclass(value):
        items = {field.name: getattr(value, field.name) for field in dataclasses.fields(value) if field.init}
        return {key: plain(item) for key, item in items.items() if item is not None}
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def flat_keys(mapping: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """Nested mappings as one, with dotted keys."""
    found: dict[str, Any] = {}
    for key, value in mapping.items():
        name = _join(path, str(key))
        found.update(flat_keys(value, name) if isinstance(value, Mapping) else {name: value})
    return found


def yaml_text(value: object, width: float = 110) -> str:
    """Plain objects as block-style YAML in their own key order; the same object gives the same bytes.

    width: letters after which long texts, and what is in one line, are broken.
    """
    return str(yaml.dump(value, Dumper=_PlainDumper, sort_keys=False, allow_unicode=True, width=width))


def dump_yaml(value: object, path: str | Path) -> None:
    """Write plain objects to a YAML file, whole or not at all."""
    write_text(path, yaml_text(value))


def _convert(hint: Any, value: object, path: str) -> Any:
    """`value` as the annotated type `hint`, or InputError."""
    origin, arguments = _parts_of(hint)
    if hint is Any or hint is object:
        return value
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        (inner,) = (argument for argument in arguments if argument is not type(None))
        return _convert(inner, value, path)
    if origin is tuple:
        return _convert_tuple(arguments, value, path)
    if origin in (dict, Mapping):
        return {key: _convert(arguments[1], item, _join(path, key)) for key, item in check_mapping(value, path).items()}
    if dataclasses.is_dataclass(hint):
        wanted = typing.cast(type, hint)
        return value if isinstance(value, wanted) else build(wanted, value, path)
    return _convert_scalar(hint, value, path)


def _convert_tuple(arguments: tuple[Any, ...], value: object, path: str) -> tuple[Any, ...]:
    """A tuple from a list: `tuple[X, ...]` of any length, `tuple[X, Y]` of exactly that length."""
    if not isinstance(value, list | tuple):
        raise _wrong_type(path, value, "a list")
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        arguments = (arguments[0],) * len(value)
    if len(arguments) != len(value):
        raise InputError(f"{path} must be a list of {len(arguments)} values, got {len(value)}")
    return tuple(
        _convert(hint, item, f"{path}[{i}]") for i, (hint, item) in enumerate(zip(arguments, value, strict=True))
    )


def _convert_scalar(hint: type, value: object, path: str) -> object:
    """A text, number or truth value of exactly the annotated type; a whole number may stand for a number."""
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            raise InputError(f"{path} is too large for a number") from None
    if (isinstance(value, bool) and hint is not bool) or not isinstance(value, hint):
        raise _wrong_type(path, value, _EXPECTED[hint])
    return value


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _where(path: str) -> str:
    return f"{path}: " if path else ""


def _wrong_type(path: str, value: object, expected: str) -> InputError:
    shown = "nothing" if value is None else in_short(value, 60)
    return InputError(f"{path or 'the document'} must be {expected}, got {shown}")
