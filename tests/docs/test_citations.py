"""Every citation of a specification leads to a heading or a label (docs/spec/README.md says how they are written)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import pytest

from tests.docs.pages import SPECS, name_of
from tests.places import ROOT

FOLDERS = ("blis", "search", "experiments", "benchmarks", "tests", "conf", "docs")
#: This file and its like write citations that are meant to lead nowhere.
EXAMPLES = {"tests/docs/test_citations.py", "docs/spec/README.md"}
SOURCES = [
    path
    for folder in FOLDERS
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in (".py", ".yaml", ".md") and name_of(path) not in EXAMPLES
] + [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "pyproject.toml"]

_NUMBER = r"\d+(?:\.\d+)?"
_LABEL = r"[A-Z]{1,2}-?\d+[a-z]?"
_JOIN = r"(?:, | and | to )"
_PLACE = rf"(?:{_NUMBER}|{_LABEL})\b(?!\s*[%×])"
_CITATION = re.compile(
    rf"\b(?P<file>[A-Za-z-]+\.md),? (?:sections? )?(?P<places>{_PLACE}(?:{_JOIN}(?:sections? )?{_PLACE})*)"
    rf"(?: \((?P<labels>{_LABEL}(?:{_JOIN}{_LABEL})*)\))?"
    r'(?:, row (?:"(?P<name>[^"]+)"|(?P<row>\d+)))?'
)
_BARE_LABEL = re.compile(r"\b[QL][1-9]\d?\b")


class Citation(NamedTuple):
    file: str
    place: str  # a number of a section, or a label
    text: str  # as it stands there


def joined(text: str) -> str:
    """A source with its lines run together and without the marks of comments and links."""
    text = re.sub(r"\[([^\]\n]*)\]\([^)\n]*\)", r"\1", text).replace("`", "")
    return re.sub(r"\s*\n\s*(?:#:? )?", " ", text)


def citations(text: str) -> Iterator[Citation]:
    for found in _CITATION.finditer(joined(text)):
        places = re.findall(_PLACE, found["places"]) + re.findall(_LABEL, found["labels"] or "")
        places += [f'row "{found["name"]}"'] if found["name"] else []
        for place in places:
            yield Citation(found["file"].lower(), place, found[0])


@cache
def places(file: str) -> frozenset[str]:
    """Numbers of headings, labels in bold that open a bullet or a row, and the first cells of rows."""
    for folder in (SPECS, ROOT / "docs"):
        if (folder / file).is_file():
            text = (folder / file).read_text()
            break
    else:
        return frozenset()
    numbers = re.findall(rf"^##+ ({_NUMBER})\.? ", text, re.MULTILINE)
    labels = re.findall(rf"^\s*(?:[*-]|\|) \*\*({_LABEL})\b", text, re.MULTILINE)
    rows = [f'row "{cell.strip(" `")}"' for cell in re.findall(r"^\|([^|]+)\|", text, re.MULTILINE)]
    return frozenset([*numbers, *labels, *rows])


def dangling(text: str) -> list[str]:
    """The citations of a source that lead nowhere."""
    wrong = [found.text for found in citations(text) if found.place not in places(found.file)]
    return wrong + [label for label in _BARE_LABEL.findall(text) if label not in places("engine.md")]


@pytest.mark.parametrize("folder", [*FOLDERS, ""], ids=lambda folder: folder or "root")
def test_citations_resolve(folder: str):
    sources = [path for path in SOURCES if (path.relative_to(ROOT).parts[0] if path.parent != ROOT else "") == folder]
    found = {name_of(path): wrong for path in sources if (wrong := dangling(path.read_text()))}
    assert found == {}


def test_citations_are_found():
    """More than a hundred, so that a change of the way they are written is not a silent end of this test."""
    found = [citation for path in SOURCES if path.suffix == ".py" for citation in citations(path.read_text())]
    assert len(found) > 100
    assert {"engine.md", "cluster-and-policies.md", "default-problem.md", "policies.md"} <= {c.file for c in found}


@pytest.mark.parametrize(
    "text",
    [
        "engine.md section 99",
        "engine.md\n    # section 99",
        "Engine.md sections 8 and 99",
        "engine.md 8.99",
        "engine.md Q99",
        "engine.md Q20, Q99",
        "engine.md 17 (V13, G99)",
        'engine.md 14, row "no such row"',
        "[policies.md](policies.md) section 99",
        "`cluster-and-policies.md` 4.99",
        "no-such-file.md section 1",
        "(L1, L99)",
    ],
)
def test_what_leads_nowhere_is_noticed(text: str):
    assert dangling(text)


@pytest.mark.parametrize(
    "text",
    [
        "engine.md section 8 and Q28",
        "engine.md sections 8 and 9, docs/policies.md 6",
        "engine.md 17 (V13, G5)",
        'engine.md 14, row "duration"',
        "engine.md Q7 to Q9",
        "docs/policies.md, as recorded",
    ],
)
def test_what_leads_somewhere_is_not(text: str):
    assert dangling(text) == []
