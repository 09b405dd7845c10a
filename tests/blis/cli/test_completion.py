"""The script for the shell: what bash itself offers with it."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from blis.cli.main import main
from tests.blis.cli.commands import DEPLOY, OURS

BASH = shutil.which("bash")
OFFER = 'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _blis; echo "${COMPREPLY[@]}"'


@pytest.fixture
def offered(capsys):
    """What is offered for a command line's last word."""
    assert main(["completion", "bash"]) == 0
    script = capsys.readouterr().out

    def call(*words: str) -> list[str]:
        done = subprocess.run(
            [BASH, "-c", f"{script}\n{OFFER}", "x", *words], capture_output=True, text=True, check=True
        )
        return done.stdout.split()

    return call


@pytest.mark.skipif(BASH is None, reason="there is no bash")
def test_commands_flags_and_choices(offered):
    assert offered("blis", "") == [*OURS, *DEPLOY, "completion"]
    assert offered("blis", "va") == ["validate"]
    assert offered("blis", "run", "--rate") == ["--rate", "--rate-scale"]
    assert offered("blis", "compare", "--output", "") == ["text", "json"]
    assert offered("blis", "run", "--config", "conf", "--window", "re") == ["report"]
    assert "bash" in offered("blis", "completion", "")


@pytest.mark.skipif(BASH is None, reason="there is no bash")
def test_files_are_left_to_the_shell(offered):
    assert offered("blis", "run", "--config", "") == []


def test_another_shell_is_one_line(capsys):
    assert main(["completion", "fish"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
