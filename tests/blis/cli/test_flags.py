"""Flags read what the original's read, and say which part of a list is wrong."""

from __future__ import annotations

import argparse

import pytest

from blis.cli.flags import POLICY_FLAGS, SCENARIO_FLAGS, read_coefficients, read_scorers, set_key
from blis.errors import InputError


def test_lists():
    assert read_scorers("queue-depth:2, kv-utilization: 0.5") == [
        {"name": "queue-depth", "weight": 2.0},
        {"name": "kv-utilization", "weight": 0.5},
    ]
    assert read_coefficients("1, 2.5,3e1") == [1.0, 2.5, 30.0]


@pytest.mark.parametrize(
    ("read", "text", "part"),
    [
        (read_scorers, "queue-depth", "'queue-depth' has no weight"),
        (read_scorers, "queue-depth:1,", "'' has no weight"),
        (read_scorers, "queue-depth:one", "'one' is not a number"),
        (read_coefficients, "1,,2", "'' is not a number"),
    ],
)
def test_mistakes_name_the_entry(read, text, part):
    with pytest.raises(argparse.ArgumentTypeError, match=part):
        read(text)


def test_every_flag_names_a_key_of_its_own():
    for names in zip(*((flag.name, flag.key) for flag in SCENARIO_FLAGS + POLICY_FLAGS), strict=True):
        assert len(set(names)) == len(names)


def test_keys_with_dots_reach_down_and_stop_at_values():
    mapping: dict = {"a": {"b": 1}}
    set_key(mapping, "a.c.d", 2)
    assert mapping == {"a": {"b": 1, "c": {"d": 2}}}
    with pytest.raises(InputError, match="b must be a mapping"):
        set_key(mapping, "a.b.c", 3)
