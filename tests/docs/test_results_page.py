"""docs/results.md explains every file, column and key that a run leaves behind, and none that it does not."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

from blis.api import simulate
from tests.docs.pages import tables
from tests.places import CONF, ROOT

PAGE = (ROOT / "docs" / "results.md").read_text()
#: Of searches that are not this one.
SOMETIMES = {"candidates"}
OF_A_TRACE = {"interval", "blocks", "block_s"}


def first_cells(header: str) -> list[str]:
    """What stands between backticks in the first column of the tables with this header."""
    return [
        name
        for table in tables(PAGE)
        if table[0][0] == header
        for row in table[1:]
        for name in re.findall(r"`([^`]+)`", row[0])
    ]


def test_the_files_of_a_run_folder(workspace: Path):
    folder = workspace / "RUN"
    made = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    told = set(first_cells("file"))
    assert made <= told
    assert told - made == {"pareto.csv", "pareto/*.yaml", "figures/pareto.png", "quarantine/*.yaml"}


def test_the_columns_of_candidates(workspace: Path):
    with open(workspace / "RUN" / "candidates.csv", newline="") as stream:
        columns = next(csv.reader(stream))
    own = [name for name in columns if "." not in name]  # the others are keys of the search space
    candidates = PAGE[PAGE.index("### candidates.csv") : PAGE.index("### verdict.json")]
    (table,) = tables(candidates)
    assert [name for row in table for name in re.findall(r"`([a-z0-9_]+)`", row[0])] == own


def test_the_keys_of_a_verdict(workspace: Path):
    verdict = json.loads((workspace / "RUN" / "verdict.json").read_text())
    told = {name.split(".")[0] for name in first_cells("key")}
    assert told - SOMETIMES == set(verdict)


@pytest.mark.parametrize("key", ["winner", "split", "random_policies", "measured", "pools"])
def test_what_is_in_a_key_of_a_verdict(workspace: Path, key: str):
    verdict = json.loads((workspace / "RUN" / "verdict.json").read_text())
    (row,) = [row for table in tables(PAGE) for row in table if row[0] == f"`{key}`"]
    assert set(verdict[key]) <= set(re.findall(r"`(\w+)`", row[1]))


def test_what_is_said_of_a_baseline(workspace: Path):
    verdict = json.loads((workspace / "RUN" / "verdict.json").read_text())
    (row,) = [row for table in tables(PAGE) for row in table if row[0] == "`baselines.NAME`"]
    told = set(re.findall(r"`(\w+)`", row[1]))
    assert told - OF_A_TRACE == set(verdict["baselines"][verdict["primary"]])


def test_the_columns_of_results(workspace: Path):
    frame = simulate(CONF / "cluster" / "h100x4.yaml", workspace / "requests.csv").to_frame()
    results = PAGE[PAGE.index("## The results of one run") :]
    (table,) = tables(results)
    assert {name for row in table for name in re.findall(r"`(\w+)`", row[0])} == set(frame.columns)
