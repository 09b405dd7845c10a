"""What is installed is what is there: packages, pins, and no address of any package index."""

from __future__ import annotations

import re
import tomllib

from tests.places import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PIN = re.compile(r"([A-Za-z0-9._-]+)==[A-Za-z0-9.!+]+")


def pins() -> set[str]:
    """The pinned distributions; fails on any line that is not an exact pin."""
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    found = [PIN.fullmatch(line) for line in lines]
    assert all(found), [line for line, match in zip(lines, found, strict=True) if not match]
    return {match[1].lower() for match in found if match}


def test_every_package_is_listed():
    there = {
        ".".join(init.parent.relative_to(ROOT).parts)
        for top in ("blis", "search", "experiments")
        for init in (ROOT / top).rglob("__init__.py")
    }
    assert there | {"search.conf"} == set(PROJECT["tool"]["setuptools"]["packages"])


def test_every_dependency_is_pinned():
    project = PROJECT["project"]
    names = {re.match(r"[A-Za-z0-9._-]+", entry)[0].lower() for entry in _requirements(project)}
    assert names <= pins()


def test_no_file_names_a_package_index():
    for name in ("pyproject.toml", "constraints.txt", "Makefile", ".ci/run"):
        assert not re.search(r"https?://|file://|--index|find-links", (ROOT / name).read_text()), name


def _requirements(project: dict) -> list[str]:
    return project["dependencies"] + project["optional-dependencies"]["dev"]


def test_the_lowest_versions_are_those_that_are_declared():
    lines = [line for line in (ROOT / "tests" / "lowest.txt").read_text().splitlines() if not line.startswith("#")]
    lowest = dict(line.lower().split("==") for line in lines)
    for entry in _requirements(PROJECT["project"]):
        name, bound = re.match(r"([A-Za-z0-9._-]+)>=([0-9.]+)", entry).groups()
        assert lowest[name.lower()].startswith(bound), entry
