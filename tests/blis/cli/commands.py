"""The command: what it offers, running it inside a test, and reading what it wrote."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from blis.cli.main import main

#: What the command offers, in the order of its help: to bring and run a workload, and what the package of bundles adds.
OURS = (
    *("run", "replay", "serve", "compare", "capacity", "observe", "fit", "calibrate"),
    *("traces", "workload", "convert", "compose", "profile", "validate"),
)
DEPLOY = ("import", "export", "verify")


class Command:
    """`blis` in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: object) -> tuple[str, str]:
        """Run it; it must succeed. Gives stdout and stderr."""
        status = main([str(argument) for argument in arguments])
        output = self._capsys.readouterr()
        assert status == 0, output.err
        return output.out, output.err

    def fails(self, *arguments: object) -> str:
        """Run it with bad input; gives the one line on stderr."""
        assert main([str(argument) for argument in arguments]) == 2
        output = self._capsys.readouterr()
        assert output.out == "" and output.err.count("\n") == 1
        return output.err


def rows(path: Path) -> list[dict[str, str]]:
    with open(path, newline="") as stream:
        return list(csv.DictReader(stream))
