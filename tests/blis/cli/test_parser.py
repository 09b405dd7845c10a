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
