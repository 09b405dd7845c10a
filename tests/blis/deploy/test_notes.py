"""Remarks are said once."""

from blis.deploy.notes import Notes


def test_once_each_in_order():
    notes = Notes()
    for one in ("b", "a", "b"):
        notes.add(one)
    assert notes == ["b", "a"]
