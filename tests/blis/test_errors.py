"""What is wrong with an input is one line that names the key, the value and what would be right."""

import pytest

from blis.errors import EngineError, InputError, check_choice, check_integer, check_number, in_short, unknown_name


def test_an_unknown_name_shows_the_list_and_the_nearest():
    error = unknown_name("policy", "rond-robin", ["weighted", "round-robin"])
    assert isinstance(error, InputError)
    assert str(error) == (
        "unknown policy 'rond-robin' (did you mean 'round-robin'?); choose one of: round-robin, weighted"
    )
    assert str(unknown_name("policy", "xyz", ["weighted"])) == "unknown policy 'xyz'; choose one of: weighted"


def test_a_choice_is_one_of_the_list():
    check_choice("policy", "a", iter("ab"))
    with pytest.raises(InputError, match="unknown policy 'c'; choose one of: a, b"):
        check_choice("policy", "c", iter("ab"))


@pytest.mark.parametrize(
    ("value", "limits", "problem"),
    [
        (1, {}, None),
        (0.5, {"low": 0.5, "high": 0.5}, None),
        (0.4, {"low": 0.5}, "x must be >= 0.5, got 0.4"),
        (2, {"low": 0, "high": 1}, "x must be in [0, 1], got 2"),
        (0, {"above": 0}, "x must be > 0, got 0"),
        (1e-9, {"above": 0}, None),
        (2, {"low": 0, "high": 1, "above": 0}, "x must be in (0, 1], got 2"),
        (2, {"low": 0.5, "high": 1, "above": 0}, "x must be in [0.5, 1], got 2"),
        (True, {}, "x must be a number, got True"),
        ("1", {}, "x must be a number, got '1'"),
        (None, {}, "x must be a number, got None"),
        (float("nan"), {}, "x must be finite, got nan"),
        (float("inf"), {}, "x must be finite, got inf"),
        (10**400, {}, "x is too large for a number: 1" + 36 * "0" + "..."),
        pytest.param(-(10**5000), {}, "x is too large for a number: (int, too long to show)", id="huge"),
    ],
)
def test_a_number_is_finite_and_within_its_limits(value, limits, problem):
    if problem is None:
        check_number("x", value, **limits)
        return
    with pytest.raises(InputError) as error:
        check_number("x", value, **limits)
    assert str(error.value) == problem


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (1, None),
        (4, None),
        (0, "x must be in [1, 4], got 0"),
        (5, "x must be in [1, 4], got 5"),
        (1.0, "x must be an integer, got 1.0"),
        (True, "x must be an integer, got True"),
        (10**30, "x must be in [1, 4], got 1e+30"),
        pytest.param(10**5000, "x is too large for a number: (int, too long to show)", id="huge"),
    ],
)
def test_an_integer_is_whole_and_within_its_limits(value, problem):
    if problem is None:
        check_integer("x", value, 1, 4)
        return
    with pytest.raises(InputError) as error:
        check_integer("x", value, 1, 4)
    assert str(error.value) == problem


def test_an_integer_without_an_upper_limit_is_one_that_seeds():
    check_integer("x", 2**64 - 1, 0)
    with pytest.raises(InputError, match=r"x must be below 2\*\*64"):
        check_integer("x", 2**64, 0)


@pytest.mark.parametrize(("value", "shown"), [("a", "'a'"), ("a" * 100, "'" + "a" * 36 + "...")])
def test_values_are_shown_in_short(value, shown):
    assert in_short(value) == shown
    assert len(in_short([10**5000])) <= 40


def test_it_is_one_line_whatever_it_names():
    assert str(InputError("gpu a\nb\u2028c, tp 2")) == "gpu a b c, tp 2"


def test_whose_fault_it_is_can_be_told_apart():
    assert issubclass(InputError, ValueError) and issubclass(EngineError, RuntimeError)
    assert not issubclass(EngineError, InputError)
