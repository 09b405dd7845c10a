"""Compiled kernels are kept where the user says, else beside the code, else where the user may write."""

import pytest

from blis.jit import cache


@pytest.fixture
def places(tmp_path, monkeypatch):
    """A package, a home and a file in which nothing can be made."""
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(cache, "__file__", str(tmp_path / "package" / "jit" / "cache.py"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    return tmp_path


def root():
    return cache.cache_root.__wrapped__()


def test_beside_the_code(places):
    assert root() == places / "package" / "__pycache__"


def test_a_package_that_cannot_be_written_to_leaves_the_home(places, monkeypatch):
    monkeypatch.setattr(cache, "__file__", str(places / "file" / "jit" / "cache.py"))
    assert root() == places / "home" / ".cache" / "blis"
    monkeypatch.setenv("XDG_CACHE_HOME", str(places / "elsewhere"))
    assert root() == places / "elsewhere" / "blis"


def test_without_a_home_nothing_is_kept(places, monkeypatch):
    monkeypatch.setattr(cache, "__file__", str(places / "file" / "jit" / "cache.py"))
    monkeypatch.setenv("HOME", str(places / "file"))
    assert root() is None


def test_what_the_user_says_is_done_and_nothing_else(places, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(places / "mine"))
    assert root() == places / "mine"
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(places / "file" / "mine"))
    assert root() is None
    assert {path.name for path in places.iterdir()} == {"file", "mine"}
