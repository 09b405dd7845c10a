"""docs/laws.md names every law that is checked after a run, every file of tests/laws, and only tests that exist."""

from __future__ import annotations

import ast
import re

from tests.places import ROOT

PAGE = (ROOT / "docs" / "laws.md").read_text()
TESTS = [*(ROOT / "tests").rglob("test_*.py")]


def functions(path) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}


def test_every_function_that_checks_a_law_is_named():
    kernels = ast.parse((ROOT / "blis" / "evaluation" / "law_kernels.py").read_text())
    checks = {
        node.name
        for node in ast.walk(kernels)
        if isinstance(node, ast.FunctionDef) and "    note(found" in ast.unparse(node)
    }
    in_numpy = {"_sizes", "_overtaken"}
    assert in_numpy <= functions(ROOT / "blis" / "evaluation" / "laws.py")
    assert set(re.findall(r"`(_\w+)`", PAGE)) == checks | in_numpy


def test_every_test_named_exists():
    there = {name for path in TESTS for name in functions(path)}
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 20
    assert named <= there


def test_every_law_of_the_engine_on_random_scenarios_is_named():
    laws = {name for name in functions(ROOT / "tests" / "laws" / "test_laws.py") if name.startswith("test_")}
    assert {name for name in laws if f"`{name}`" not in PAGE} == set()
