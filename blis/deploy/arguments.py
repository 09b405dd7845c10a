"""Arguments of a vLLM server in whatever form people keep them: its `--config` file, a list of words, a command line.

Forms as in vllm/utils/argparse_utils.py of vllm-project/vllm (at 00da11e, autumn 2026): dashes or underscores,
`--no-x`, `--x.key value` for a part of a JSON value. Short names as in vllm/engine/arg_utils.py.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from typing import Any

from blis.deploy.document import Document, parse_document
from blis.errors import InputError
from blis.yaml_strict import parse_yaml

_SHORT = {
    "tp": "tensor-parallel-size",
    "pp": "pipeline-parallel-size",
    "dp": "data-parallel-size",
    "sc": "speculative-config",
}

#: Arguments that are there or not; behind some of them 0.8 takes `true` or `false`.
_SWITCHES = ("enable-prefix-caching", "enable-chunked-prefill", "async-scheduling", "scheduler-reserve-full-isl")

_YAML = re.compile(r"---|[\[{]|-\s|['\"]?[\w.-]+['\"]?\s*:(\s|$)")
_COMMENT = re.compile(r"(^|\s)#.*")


def read_arguments(text: str, source: str) -> Document:
    """The arguments by their long names, with dashes. Raises InputError for what is none of the three forms."""
    lines = [line.strip() for line in text.splitlines()]
    first = next((line for line in lines if line and not line.startswith("#")), "")
    if first and not _YAML.match(first):
        return _of_words(_split(text, source), source)
    found = parse_yaml(text, source)
    return _of_words(map(str, found), source) if isinstance(found, list) else _of_mapping(parse_document(text, source))


def _of_mapping(document: Document) -> Document:
    """Keys are the names of arguments; of two that are the same the last holds, as there."""
    if {"apiVersion", "kind"} <= set(document.value):
        raise document.wrong("kind", "a Kubernetes manifest; give the `args` of its container alone, as a list")
    names = {key: _long(key) for key in document.value}
    lines = {names[key]: line for key, line in document.lines.items() if key in names}
    return Document(document.source, {names[key]: value for key, value in document.value.items()}, lines)


def _of_words(words: Iterable[str], source: str) -> Document:
    """What is no argument and no value of one is the program, its model, or nothing that is looked at."""
    found: dict[str, Any] = {}
    waiting, part = "", ""  # for a value, or for a part of it
    for word in words:
        if re.match(r"--?[A-Za-z]", word):
            name, equals, value = word.partition("=")
            long, part = _long(name.lstrip("-")), name.partition(".")[2].replace("-", "_")
            waiting = "" if equals else long.removeprefix("no-")
            _put(found, waiting or long, part, value if equals else waiting == long)
        elif waiting and (waiting not in _SWITCHES or word.lower() in ("true", "false")):
            _put(found, waiting, part, word)
            waiting = ""
    if "config" in found:
        raise InputError(f"{source}: config: {found['config']} has arguments, too; put all of them into one file")
    if not found:
        raise InputError(f"{source}: no arguments of vLLM in it, as `--max-num-seqs 64` is one")
    return Document(source, found, {})


def _put(found: dict[str, Any], name: str, part: str, value: object) -> None:
    """The value of an argument, or of one part of it beside the others."""
    before = found.get(name)
    found[name] = {**(before if isinstance(before, dict) else {}), part: value} if part else value


def _split(text: str, source: str) -> list[str]:
    """The words of a command line, which may be broken by backslashes, without comments."""
    joined = text.replace("\\\n", " ")
    try:
        return shlex.split("\n".join(_COMMENT.sub("", line) for line in joined.splitlines()))
    except ValueError as error:
        raise InputError(f"{source}: not a command line: {error}") from None


def _long(name: str) -> str:
    """The long name with dashes, without the part of its value that is meant."""
    whole = name.partition(".")[0].replace("_", "-")
    return _SHORT.get(whole, whole)
