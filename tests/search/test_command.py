"""Commands beside the search end with a code, and say what is wrong in one line."""

import pytest

from blis.errors import EngineError, InputError
from search.application import EXIT_FAILURE, EXIT_INPUT, EXIT_OK
from search.command import run_command
from search.report.command import main as report
from search.run_folder.comparison import main as compare
from search.run_folder.sync import main as sync


def describe(parser):
    parser.add_argument("--size", type=int)


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (InputError("no such run"), EXIT_INPUT, "error: no such run\n"),
        (EngineError("disk full"), EXIT_FAILURE, "error: disk full\n"),
        (MemoryError(), EXIT_FAILURE, "error: this does not fit in memory\n"),
    ],
)
def test_a_failure_is_one_line(capsys, error, code, line):
    def execute(options):
        raise error

    assert run_command("try", [], describe, execute) == code
    assert capsys.readouterr() == ("", line)


def test_what_it_does_gets_its_arguments(capsys):
    assert run_command("try", ["--size", "3"], describe, lambda options: print(options.size)) == EXIT_OK
    assert capsys.readouterr() == ("3\n", "")


@pytest.mark.parametrize(
    ("command", "arguments"),
    [(report, []), (sync, []), (compare, ["--last", "x"]), (compare, ["--tab", "3"]), (report, ["a", "b"])],
)
def test_wrong_arguments_are_one_line_too(capsys, command, arguments):
    assert command(arguments) == EXIT_INPUT
    out, err = capsys.readouterr()
    assert (out, err.count("\n"), err[:7]) == ("", 1, "error: ")
