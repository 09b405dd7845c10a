"""Every command and every piece of Python in README and docs runs, shortened, in a user's folder."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.commands import NOT_RUN, RUNNERS, Command, as_typed, commands, inline, runner_of, unrunnable
from tests.docs.pages import GUIDES, Block, blocks, name_of, prose
from tests.places import ROOT

COMMANDS = {command.words: command for command in commands()}  # each once
RUN = [command for command in COMMANDS.values() if command.words[0] not in NOT_RUN]
REST = [command for command in COMMANDS.values() if command.words[0] in NOT_RUN]
PYTHON = [block for page in GUIDES for block in blocks(page) if block.language == "python"]
EXTENDING = [block for block in PYTHON if block.page == "docs/extending.md"]
OTHERS = [block for block in PYTHON if block not in EXTENDING]

_CODE = re.compile(r"`((?:make|python -m|blis) [^`\n]+)`")


@pytest.fixture
def typed_in(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder as the current one; what a command makes there does not disturb the next."""
    monkeypatch.chdir(workspace)
    shutil.rmtree("made", ignore_errors=True)
    return workspace


@pytest.mark.parametrize("command", RUN, ids=lambda command: command.where)
def test_a_command_runs(command: Command, typed_in: Path, monkeypatch, capsys):
    key = runner_of(command.words)
    assert key is not None
    seed = json.loads(Path("RUN/verdict.json").read_text())["pools"]["report"][0]
    RUNNERS[key](as_typed(command.words[len(key) :], seed), monkeypatch)
    out, err = capsys.readouterr()
    assert out and "error" not in err


@pytest.mark.parametrize("command", REST, ids=lambda command: command.where)
def test_a_command_that_is_not_run_names_what_is_there(command: Command):
    assert runner_of(command.words) is None
    unrunnable(command.words)


def test_most_commands_are_run():
    assert len(RUN) > 40 and len(REST) < 15
    with pytest.raises(AssertionError, match="no way to run 'blas run'"):
        runner_of(("blas", "run"))


@pytest.mark.parametrize("page", GUIDES, ids=name_of)
def test_commands_in_the_text_name_what_is_there(page: Path):
    assert [code for code in _CODE.findall(prose(page)) if not inline(code)] == []


@pytest.mark.parametrize("block", OTHERS, ids=lambda block: block.where)
def test_python_runs(block: Block, typed_in: Path):
    exec(compile(block.text, block.where, "exec"), {})


def test_what_is_registered_in_the_page_on_extending_is_taken():
    """In another process: a registered template is there for all that follows."""
    code = "\n".join(block.text for block in EXTENDING)
    assert len(EXTENDING) >= 7
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
