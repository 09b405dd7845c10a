"""Deliberate faults, and the tests that must find them.

In come mutants, one file an area (`statistics.py`, `proof.py`, …: `MUTANTS`); out comes which of them the tests
found: `python -m tests.mutants [--only AREA]`. Read `__main__.py` first, then any area.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """One fault: a snippet of a file replaced by another.

    file: from the repository's root. old: occurs exactly once in it. tests: files or folders of tests that must fail.
    why: what goes wrong, in words. equal: why nobody can tell, for a fault that is none; such a one is not run.
    """

    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    why: str
    equal: str = ""
