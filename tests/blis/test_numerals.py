"""What is a number in a file, and what only Python would read as one."""

import math

import pytest

from blis.numerals import read_number, read_whole

NOT_EVEN_NUMBERS = ["", " ", "x", "7 ", " 7", "+7", "1_000", "٣", "７", "0x10", "1,5", "--1", "9" * 5000]


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("-12", -12), ("007", 7), ("123456789012345678901", 10**20)])
def test_whole_numbers(text, value):
    if value < 10**20:
        assert read_whole(text) == value
    assert math.isclose(read_number(text), float(text))


@pytest.mark.parametrize(("text", "value"), [("1.5", 1.5), (".5", 0.5), ("2.", 2.0), ("-1e-3", -0.001), ("6E2", 600.0)])
def test_numbers(text, value):
    assert read_number(text) == value
    with pytest.raises(ValueError, match="not a whole number"):
        read_whole(text)


@pytest.mark.parametrize("text", NOT_EVEN_NUMBERS)
@pytest.mark.parametrize("read", [read_whole, read_number])
def test_what_only_python_reads(read, text):
    with pytest.raises(ValueError, match="is not a"):
        read(text)


@pytest.mark.parametrize("text", ["inf", "-inf", "NaN"])
def test_what_is_not_finite_is_left_to_those_who_refuse_it(text):
    assert not math.isfinite(read_number(text))


def test_errors_stay_short():
    with pytest.raises(ValueError) as error:
        read_whole("9" * 100_000)
    assert len(str(error.value)) < 100
