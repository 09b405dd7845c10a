"""A router's configuration inside the values of its helm chart, and out of them."""

from __future__ import annotations

import textwrap

from blis.deploy.dialects import DIALECTS, Dialect
from blis.deploy.document import Document, parse_document

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
        values = document.value
        for key in dialect.values:
            values = values.get(key) or {}
        name = values.get("pluginsConfigFile")
        texts = values.get("pluginsCustomConfig") or {}
        if name and isinstance(texts.get(name), str):
            return parse_document(texts[name], f"{document.source}: {name}")
    return document
