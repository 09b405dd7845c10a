"""What a gateway remembers: for so long, so much of it, over a restart, and whatever its database does."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from blis.errors import EngineError, InputError
from blis.gateway.state import Memory, State, open_state
from blis.gateway.store import Store
from tests.blis.gateway.databases import SECRET, Postgresql

SOON_S = 0.01


class Clock:
    """A clock that stands until it is set."""

    def __init__(self, now_s: float = 1000.0) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s


@contextmanager
def started(uri: str, **parts: object) -> Iterator[State]:
    """A state that writes soon, and is closed at the end."""
    state = State(Store(uri), **parts)
    state.start(SOON_S)
    try:
        yield state
    finally:
        state.close()


def until(holds: Callable[[], bool]) -> None:
    for _ in range(2000):
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError("it never came about")


def test_the_latest_word_on_a_key_and_when_it_was_said():
    clock = Clock()
    memory: Memory[str] = Memory(clock=clock)
    memory.put("s", "http://a")
    clock.now_s = 1001.5
    memory.put("s", "http://b")
    assert memory.get("s") == ("http://b", 1001.5)
    assert memory.get("t") is None
    assert len(memory) == 1


def test_what_had_no_news_for_too_long_is_forgotten():
    clock = Clock()
    memory: Memory[str] = Memory(ttl_s=10.0, clock=clock)
    memory.put("old", "http://a")
    memory.put("kept", "http://a")
    clock.now_s += 9
    memory.put("kept", "http://a")
    clock.now_s += 2
    assert memory.get("old") is None
    assert memory.get("kept")
    memory.put("new", "http://a")
    assert list(memory) == ["kept", "new"]  # nor does it take room


def test_there_is_room_for_so_many_keys_and_the_one_longest_without_news_goes_first():
    memory: Memory[str] = Memory(most=3)
    for key in ("a", "b", "c", "a", "d"):
        memory.put(key, "http://a")
    assert list(memory) == ["c", "a", "d"]
    assert memory.pending == 3  # what is forgotten is not written either


def test_what_changed_is_taken_once_and_as_it_is_by_then():
    memory: Memory[str] = Memory(clock=Clock())
    memory.put("s", "http://a")
    memory.put("s", "http://b")
    assert memory.take(10) == [("s", "http://b", 1000.0)]
    assert memory.take(10) == []
    memory.put_back([("s", "http://b", 1000.0)])
    memory.put("s", "http://c")
    assert memory.take(10) == [("s", "http://c", 1000.0)]


@pytest.mark.parametrize("key", ["", "müller", "with blanks ", "nul\0", "half \ud800", "x" * 10_000, "two\nlines"])
def test_any_text_is_a_key(key: str, uri: str):
    with started(uri) as state:
        state.sessions.put(key, "http://a")
        state.sessions.put("other", "http://b")
    with started(uri) as again:
        assert again.sessions.get(key).value == "http://a"
        assert again.sessions.get("other").value == "http://b"
    assert state.health()["error"] is None


def test_without_a_database_it_lasts_as_long_as_the_process():
    state = open_state(None)
    state.start()
    state.sessions.put("s", "http://a")
    assert state.sessions.get("s").value == "http://a"
    assert state.health() == {"kind": "memory", "pending": 0, "failing_since_s": None, "error": None}
    state.close()


def test_a_restart_finds_everything(uri: str):
    with started(uri) as state:
        state.sessions.put("s1", "http://a")
        state.budgets.put("carol", 1234.5)
        state.registry.put("http://a", "draining")
        state.sessions.put("s1", "http://b")
        said = {"s1": state.sessions.get("s1"), "carol": state.budgets.get("carol")}
    with started(uri) as again:
        assert {"s1": again.sessions.get("s1"), "carol": again.budgets.get("carol")} == said
        assert again.registry.get("http://a").value == "draining"
        assert again.health()["pending"] == 0
        assert uri.startswith(again.health()["kind"])


def test_changes_are_written_while_it_runs(uri: str):
    with started(uri) as state:
        state.sessions.put("s", "http://a")
        until(lambda: Store(uri).read("sessions", 10) != [])


def test_old_sessions_are_found_no_more_after_a_restart_and_leave_the_table(uri: str):
    clock = Clock()
    with started(uri, session_ttl_s=10.0, clock=clock) as state:
        state.sessions.put("old", "http://a")
        state.budgets.put("carol", 5.0)
    clock.now_s += 11
    with started(uri, session_ttl_s=10.0, clock=clock) as again:
        assert list(again.sessions) == []
        assert again.budgets.get("carol")
        again.sessions.put("new", "http://a")
    assert [key for key, _, _ in Store(uri).read("sessions", 10)] == ["new"]


def test_two_gateways_share_a_database(uri: str):
    with started(uri) as one, started(uri) as other:
        one.sessions.put("s", "http://a")
        one.sessions.put("mine", "http://a")
        until(lambda: len(Store(uri).read("sessions", 10)) == 2)
        other.sessions.put("s", "http://b")
        other.sessions.put("yours", "http://b")
    with started(uri) as again:
        found = {key: again.sessions.get(key).value for key in again.sessions}
        assert found == {"mine": "http://a", "s": "http://b", "yours": "http://b"}


def test_nobody_waits_for_a_database_that_does_not_answer(tmp_path: Path):
    """While the writer stands still in a write, thousands of changes are made and read; then all are written."""
    uri = f"sqlite:///{tmp_path / 'state.db'}"
    store = Store(uri)
    stuck, free = threading.Event(), threading.Event()

    def standing(*arguments: object) -> None:
        stuck.set()
        assert free.wait(20)
        Store.write(store, *arguments)

    store.write = standing
    clock = Clock()
    state = State(store, clock=clock)
    state.start(SOON_S)
    state.sessions.put("first", "http://a")
    assert stuck.wait(20)
    for number in range(10_000):
        state.sessions.put(f"s{number}", "http://a")
        assert state.sessions.get(f"s{number}")
    assert state.health() == {"kind": "sqlite", "pending": 10_000, "failing_since_s": None, "error": None}
    clock.now_s += 11
    assert state.health()["error"] == "no answer"
    state.close(patience_s=0.1)  # nor is it waited for at the end
    free.set()
    until(lambda: len(Store(uri).read("sessions", 20_000)) == 10_001)
    until(lambda: state.health()["error"] is None)


@contextmanager
def limited(pages: list[int]) -> Iterator[None]:
    """Files of SQLite may have so many pages of 4 KiB, as if the disk had no more room."""

    def limit(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages[0]}")

    sa.event.listen(sa.pool.Pool, "checkout", limit)
    try:
        yield
    finally:
        sa.event.remove(sa.pool.Pool, "checkout", limit)


def test_a_full_disk_is_told_once_and_what_it_did_not_take_is_written_when_there_is_room(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    uri, pages = f"sqlite:///{tmp_path / 'state.db'}", [20]
    with limited(pages), started(uri) as state:
        for number in range(5_000):
            state.sessions.put(f"s{number}", "http://a")
        until(lambda: state.health()["error"] is not None)
        state.sessions.put("s7", "http://b")
        assert "full" in state.health()["error"]
        assert state.health()["failing_since_s"] <= time.time()
        until(lambda: state.health()["pending"] == 5_000)  # all are kept, each once
        pages[0] = 100_000
        until(lambda: state.health()["error"] is None)
        assert state.health()["failing_since_s"] is None
    with started(uri) as again:
        assert len(again.sessions) == 5_000
        assert again.sessions.get("s7").value == "http://b"
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 2
    assert "full" in told[0]
    assert "written again" in told[1]


def test_a_failure_that_lasts_is_told_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    store, tries = Store(f"sqlite:///{tmp_path / 'state.db'}"), []

    def failing(*_: object) -> None:
        tries.append(1)
        if len(tries) <= 3:
            raise OSError("out of order")

    store.write = failing
    state = State(store)
    state.start(SOON_S)
    state.sessions.put("s", "http://a")
    until(lambda: len(tries) == 4)
    state.close()
    told = capsys.readouterr().err.splitlines()
    assert ["OSError: out of order" in line for line in told] == [True, False]


def test_what_waits_for_a_database_has_a_bound(tmp_path: Path):
    with limited([20]), started(f"sqlite:///{tmp_path / 'state.db'}") as state:
        state.sessions.most = 3_000
        for number in range(20_000):
            state.sessions.put(f"s{number}", "http://a")
        until(lambda: state.health()["pending"] == 3_000)


def test_a_locked_file_is_written_when_it_is_free(tmp_path: Path):
    uri = f"sqlite:///{tmp_path / 'state.db'}"
    with started(uri) as state:
        other = sqlite3.connect(tmp_path / "state.db")
        other.execute("BEGIN IMMEDIATE")
        state.sessions.put("s", "http://a")
        until(lambda: "locked" in (state.health()["error"] or ""))
        other.rollback()
        until(lambda: state.health()["error"] is None)
    assert Store(uri).read("sessions", 10)


def test_a_server_that_dies_and_comes_back(server: Postgresql, capsys: pytest.CaptureFixture[str]):
    uri = server.new()
    with started(uri) as state:
        server.stop()
        try:
            state.sessions.put("s", "http://a")
            until(lambda: state.health()["failing_since_s"] is not None)
        finally:
            server.start()
        until(lambda: state.health()["failing_since_s"] is None)
    assert [row[:2] for row in Store(uri).read("sessions", 10)] == [("s", "http://a")]
    told = capsys.readouterr().err
    assert "postgres:***@127.0.0.1" in told
    assert SECRET not in told


def test_an_end_with_a_database_that_is_gone_is_an_end(server: Postgresql):
    state = State(Store(server.new()))
    state.start(3600.0)
    state.sessions.put("s", "http://a")
    server.stop()
    try:
        state.close()
    finally:
        server.start()
    assert state.health()["error"]


def test_a_database_that_cannot_be_read_at_the_start_is_told(server: Postgresql):
    state = State(Store(server.new()))
    server.stop()
    try:
        with pytest.raises(EngineError, match="--state postgresql://"):
            state.start()
    finally:
        server.start()


def test_a_wrong_address_is_refused_at_once():
    with pytest.raises(InputError, match="--state"):
        open_state("nonsense")


def test_the_address_decides_where_it_is_kept(uri: str):
    state = open_state(uri, session_ttl_s=60.0)
    assert uri.startswith(state.health()["kind"])
    assert state.sessions.ttl_s == 60.0
    state.close()
