"""The pages for people, and what a test wants of them: code blocks, tables, and prose without code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.places import ROOT

SPECS = ROOT / "docs" / "spec"
#: What people read; specifications and the changelog quote commands and names of other times.
GUIDES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "outputs/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
PAGES = [*GUIDES, ROOT / "CHANGELOG.md", *sorted(SPECS.glob("*.md"))]

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_RULE = re.compile(r"[\s|:-]+")


class Block(NamedTuple):
    """A fenced block of code."""

    page: str
    line: int  # of its first line of code
    language: str
    text: str

    @property
    def where(self) -> str:
        return f"{self.page}:{self.line}"


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text()
    for found in _FENCE.finditer(text):
        yield Block(name_of(page), text[: found.start()].count("\n") + 2, found[1], found[2])


def prose(page: Path) -> str:
    """The page without its blocks of code."""
    return _FENCE.sub("", page.read_text())


def section(text: str, number: int) -> str:
    """From the heading `## N. …` to the next one."""
    found = re.search(rf"^## {number}\. .*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"no section {number}"
    return found[0]


def tables(text: str) -> list[list[list[str]]]:
    """The rows of cells of every table, its header first."""
    found: list[list[list[str]]] = []
    inside = False
    for line in text.splitlines():
        if not line.startswith("|"):
            inside = False
            continue
        if not inside:
            found.append([])
        inside = True
        if not _RULE.fullmatch(line):
            found[-1].append([cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))])
    return found
