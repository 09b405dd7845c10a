"""What is wrong with a command line is one InputError, not a page of usage."""

import pytest

from blis.cli.parser import Parser
from blis.errors import InputError


def test_what_argparse_refuses():
    parser = Parser(prog="blis")
    parser.add_argument("--rate", type=int)
    with pytest.raises(InputError, match="argument --rate: invalid int value: 'x'"):
        parser.parse_args(["--rate", "x"])


def test_what_was_typed_is_not_repeated_at_any_length():
    with pytest.raises(InputError) as error:
        Parser(prog="blis").parse_args(["x" * 10_000])
    assert len(str(error.value)) < 1000


@pytest.mark.parametrize("flag", [{}, {"type": str}])
@pytest.mark.parametrize("text", ["", "  "])
def test_no_text_may_be_empty(flag, text):
    parser = Parser(prog="blis")
    parser.add_argument("--name", **flag)
    command = parser.add_subparsers().add_parser("command")
    command.add_argument_group("files").add_argument("--file", **flag)
    command.add_argument("log", nargs="?", **flag)
    for words, named in (
        (["--name", text], "--name"),
        (["command", "--file", text], "--file"),
        (["command", text], "log"),
    ):
        with pytest.raises(InputError, match=f"argument {named}: must not be empty"):
            parser.parse_args(words)
    assert parser.parse_args(["command", "--file", "x"]).log is None
