"""Links in the pages lead somewhere, and files and folders that they name exist."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.docs.pages import GUIDES, PAGES, blocks, name_of, prose
from tests.places import ROOT

#: Names of files that a search, a user or an example makes; docs/results.md says what is in them.
MADE = {
    *(
        "best_policy.yaml",
        "best_candidate.yaml",
        "scenario.yaml",
        "config.yaml",
        "config.json",
        "candidates.csv",
        "verdict.json",
        "run_info.json",
    ),
    *("server.yaml", "X.requests.jsonl", "X.meta.json", "meta.json", "X.timeseries.csv", "timeseries.csv"),
    *("steps.csv", "steps.meta.json", "requests.jsonl", "coefficients.yaml"),
    *("pareto.csv", "figures/overview.png", "figures/pareto.png", "checkpoint", "mlflow.db"),
    *("traffic.jsonl", "traffic.csv", "requests.csv", "results.csv", "mine/", "mine/search_space/NAME.yaml"),
    *("epp.yaml", "mine.yaml", "new.yaml"),
    *("run.yaml", "run.csv", "run.jsonl", "FILE.yaml", ".yaml", ".jsonl"),
    *("FILE.csv", "X.csv", "tokenizer.json"),
    *("profile_export.json", "profile_export.jsonl", "profile_export_aiperf.json"),
    *("per_request_lifecycle_metrics.json", "BurstGPT_3.csv"),
}
#: Folders that are not there before something has run.
MADE_IN = ("outputs/", ".venv/", "pareto/", "figures/", "quarantine/")

_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")
_FILE = re.compile(r"[\w.*-]+(?:/[\w.*-]+)*\.(?:py|yaml|md|toml|csv|jsonl?|png|txt)")
_FOLDER = re.compile(r"[\w.-]+(?:/[\w.-]+)*/")


@cache
def files() -> tuple[str, ...]:
    """Every file that git knows or would take, with a / before it."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    return tuple("/" + line for line in subprocess.check_output(command, cwd=ROOT, text=True).splitlines())


@cache
def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def is_there(name: str) -> bool:
    """Whether a name, with * for anything, is the end of a file's or a folder's path."""
    if name in MADE or name.startswith(MADE_IN):
        return True
    pattern = re.compile(".*/" + re.escape(name).replace(r"\*", "[^/]*") + (".*" if name.endswith("/") else ""))
    return any(pattern.fullmatch(file) for file in files())


def named_paths(page: Path) -> list[str]:
    """Files and folders that stand in the page between backticks."""
    words = [word for code in _CODE.findall(prose(page)) for word in code.split()]
    return [word for word in words if _FILE.fullmatch(word) or _FOLDER.fullmatch(word)]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_resolve(page: Path):
    wrong = []
    for target in _LINK.findall(prose(page)):
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        if target.startswith(("http://", "https://")):
            continue
        if not there.exists() or (anchor and anchor not in anchors(there)):
            wrong.append(target)
    assert wrong == []


@pytest.mark.parametrize("page", GUIDES, ids=name_of)
def test_named_files_and_folders_exist(page: Path):
    assert [name for name in named_paths(page) if not is_there(name)] == []


def test_names_are_looked_for():
    assert all(map(is_there, ("blis/engine/run.py", "run.py", "blis/engine/", "engine/*.py")))
    assert not any(map(is_there, ("blis/engine/runs.py", "un.py", "blis/motor/")))
    assert sum(len(named_paths(page)) for page in GUIDES) > 100


@pytest.mark.parametrize("page", GUIDES, ids=name_of)
def test_every_block_of_code_says_what_it_is(page: Path):
    """So that a command cannot hide from the test that runs them, as it could in an indented block."""
    assert {block.language for block in blocks(page)} <= {"sh", "python", "yaml", "toml", "csv", "text"}
    assert all(re.match(r"# \S+\.yaml\n", block.text) for block in blocks(page) if block.language == "yaml")
    paragraphs = re.split(r"\n\s*\n", prose(page))
    assert [text for text in paragraphs if re.match(r"    \S", text.strip("\n"))] == []
