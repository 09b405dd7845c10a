"""JSON that says one thing, and only that."""

import pytest

from blis.json_strict import parse_json


def test_plain_json_is_read():
    assert parse_json('{"a": [1, 2.5, null, {"a": "x"}], "b": true}') == {"a": [1, 2.5, None, {"a": "x"}], "b": True}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"a": 1, "b": 2, "a": 3}', "duplicate key 'a'"),
        ('[{"x": {"c": 1, "c": 1}}]', "duplicate key 'c'"),
        ('{"a": NaN}', "NaN is no number in JSON"),
        ("[-Infinity]", "-Infinity is no number in JSON"),
        ("[" * 100_000, "nested too deeply"),
        ("9" * 5000, "digits"),
        ("{", "Expecting"),
        ("", "Expecting value"),
    ],
)
def test_anything_else_is_a_value_error_of_one_line(text, problem):
    with pytest.raises(ValueError, match=problem) as error:
        parse_json(text)
    assert len(str(error.value).splitlines()) == 1
