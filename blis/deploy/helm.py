"""A router's configuration inside the values of its helm chart, and out of them."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from blis.deploy.dialects import DIALECTS, Dialect
from blis.deploy.document import Document, parse_document
from blis.errors import in_short

_FILE = "blis-plugins.yaml"


def helm_values(text: str, dialect: Dialect) -> str:
    """The values that make the chart use a configuration, given as text."""
    lines = [f"{'  ' * depth}{key}:" for depth, key in enumerate(dialect.values)]
    indent = "  " * len(dialect.values)
    lines += [f"{indent}pluginsConfigFile: {_FILE}", f"{indent}pluginsCustomConfig:", f"{indent}  {_FILE}: |"]
    return "\n".join(lines) + "\n" + textwrap.indent(text, indent + "    ")


def inner_config(document: Document) -> Document:
    """The configuration inside values of a chart, the document itself if it is not such values."""
    for dialect in DIALECTS.values():
        values = _part(document.value, dialect.values)
        if "pluginsConfigFile" in values:
            name, texts = values["pluginsConfigFile"], values.get("pluginsCustomConfig")
            if not (isinstance(name, str) and isinstance(texts, Mapping) and isinstance(texts.get(name), str)):
                problem = (
                    f"must have the text of {in_short(name)}, the pluginsConfigFile; those of the chart are not here"
                )
                raise document.wrong(".".join((*dialect.values, "pluginsCustomConfig")), problem)
            return parse_document(texts[name], f"{document.source}: {name}")
    return document


def _part(value: object, keys: Sequence[str]) -> Mapping[str, Any]:
    """What stands below some keys; empty if that is no mapping."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}
