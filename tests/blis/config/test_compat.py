"""One switch a behaviour of the original."""

from dataclasses import astuple

from blis.config import Compat


def test_the_default_is_strict_and_the_original_is_everything():
    assert not any(astuple(Compat()))
    assert all(astuple(Compat.original()))
    assert len(astuple(Compat())) == 20
