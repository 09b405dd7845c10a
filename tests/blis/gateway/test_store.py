"""Rows come back as they were written, whoever writes; what is no database is refused in one line."""

from __future__ import annotations

import builtins
import sqlite3
from pathlib import Path
from threading import Barrier, Thread

import pytest
import sqlalchemy as sa

from blis.errors import EngineError, InputError
from blis.gateway.store import Store
from tests.blis.gateway.databases import SECRET, Postgresql

ROWS = {
    "sessions": [("s1", "http://a", 10.5), ("s2", "http://b", 11.25)],
    "budgets": [("carol", 1234.5, 12.0)],
    "registry": [("http://a", "draining", 13.0)],
}


def test_rows_come_back_oldest_first_and_only_the_latest(uri: str):
    store = Store(uri)
    store.write(ROWS, {})
    again = Store(uri)
    assert {name: again.read(name, 10) for name in ROWS} == ROWS
    assert again.read("sessions", 1) == ROWS["sessions"][1:]
    assert again.read("sessions", 0) == []


def test_the_later_word_on_a_key_stands_whoever_writes_last(uri: str):
    one, other = Store(uri), Store(uri)
    one.write({"sessions": [("s", "http://new", 20.0)]}, {})
    other.write({"sessions": [("s", "http://old", 10.0), ("t", "http://b", 10.0)]}, {})
    assert one.read("sessions", 10) == [("t", "http://b", 10.0), ("s", "http://new", 20.0)]
    other.write({"sessions": [("s", "http://newer", 30.0)]}, {})
    assert ("s", "http://newer", 30.0) in one.read("sessions", 10)


def test_rows_from_before_are_forgotten_in_the_tables_that_are_named(uri: str):
    store = Store(uri)
    store.write(ROWS, {})
    store.write({}, {"sessions": 11.0})
    assert store.read("sessions", 10) == ROWS["sessions"][1:]
    assert store.read("budgets", 10) == ROWS["budgets"]


def test_a_write_is_whole_or_not_at_all(uri: str):
    store = Store(uri)
    with pytest.raises(sa.exc.DBAPIError):
        store.write({"sessions": [("s", "http://a", 1.0)], "budgets": [("carol", None, 1.0)]}, {})
    assert store.read("sessions", 10) == []


def test_gateways_that_start_at_once_share_the_tables(uri: str):
    together, failures = Barrier(4), []

    def start(number: int) -> None:
        together.wait()
        for _ in range(5):  # on a busy machine a lock may take longer than a store waits
            try:
                Store(uri).write({"sessions": [(f"s{number}", "http://a", 1.0)]}, {})
                return
            except Exception as error:
                failures.append(error)
                if "locked" not in str(error):
                    return

    threads = [Thread(target=start, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [error for error in failures if "locked" not in str(error)] == []
    assert len(Store(uri).read("sessions", 10)) == 4


def test_two_writers_of_the_same_keys_in_another_order_do_not_block_each_other(uri: str):
    rows = [(f"s{number}", "http://a", 1.0) for number in range(500)]
    failures: list[Exception] = []

    def write(mine: list) -> None:
        store = Store(uri)
        try:
            for _ in range(10):
                store.write({"sessions": mine}, {})
        except Exception as error:
            failures.append(error)

    threads = [Thread(target=write, args=(mine,)) for mine in (rows, rows[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_tables_of_another_version_are_refused(uri: str):
    Store(uri).close()
    engine = sa.create_engine(uri.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE blis_schema SET version = 7"))
    engine.dispose()
    with pytest.raises(InputError, match="its tables are of version 7, not 1") as error:
        Store(uri)
    assert SECRET not in str(error.value)


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("", "--state must be sqlite:///FILE or postgresql://"),
        ("state.db", "--state must be sqlite:///FILE or postgresql://"),
        ("sqlite:state.db", "--state must be sqlite:///FILE"),
        (
            "postgres://me:correct-horse@h/d",
            "'postgres' (did you mean 'postgresql'?); choose one of: postgresql, sqlite",
        ),
        ("oracle://me:correct-horse@h/d", "unknown scheme of --state 'oracle'; choose one of: postgresql, sqlite"),
        ("postgresql://me:correct-horse@h:12x/d", "--state must be sqlite:///FILE"),
        ("me:correct-horse@h://d", "--state must be sqlite:///FILE"),
        ("postgresql://me:correct-horse@h", "--state must name a database"),
        ("sqlite://", "--state must name a database"),
        ("sqlite:///:memory:", "--state must name a database"),
        ("sqlite:////no/such/folder/state.db", "must be a file in a folder that is there"),
        ("sqlite:////", "must be a file in a folder that is there"),
    ],
)
def test_what_is_no_database_is_refused_in_one_line_without_its_password(uri: str, said: str):
    with pytest.raises(InputError) as error:
        Store(uri)
    assert said in str(error.value)
    assert SECRET not in str(error.value)


def test_a_server_that_is_not_there_is_told_without_the_password():
    with pytest.raises(EngineError) as error:
        Store(f"postgresql://me:{SECRET}@127.0.0.1:1/d?application_name={SECRET}2&options=-c%20search_path%3Dx")
    assert "--state postgresql://me:***@127.0.0.1:1/d: " in str(error.value)
    assert "refused" in str(error.value)
    assert SECRET not in str(error.value)
    assert "\n" not in str(error.value)


def test_a_secret_that_a_driver_repeats_is_not_told():
    with pytest.raises(EngineError, match='invalid sslmode value: "\\*\\*\\*"'):
        Store(f"postgresql://me@127.0.0.1:1/d?sslmode={SECRET}")


def test_a_file_that_is_no_database_is_told(tmp_path: Path):
    file = tmp_path / "state.db"
    file.write_text("once upon a time " * 100)
    with pytest.raises(EngineError, match="file is not a database"):
        Store(f"sqlite:///{file}")


def test_a_driver_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch):
    really = builtins.__import__

    def without_psycopg(name: str, *rest: object) -> object:
        if name == "psycopg":
            raise ImportError(name)
        return really(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_psycopg)
    with pytest.raises(InputError, match=r"pip install 'psycopg\[binary\]'"):
        Store("postgresql://me@127.0.0.1/d")


def test_reasons_show_neither_rows_nor_statements(tmp_path: Path):
    store = Store(f"sqlite:///{tmp_path / 'state.db'}")
    with pytest.raises(sa.exc.DBAPIError) as error:
        store.write({"budgets": [("carol's secret", None, 1.0)]}, {})
    assert store.why(error.value) == "NOT NULL constraint failed: blis_budgets.tokens"


def test_a_statement_that_hangs_is_given_up(server: Postgresql):
    """Another connection holds the table: the write ends after the lock's limit, which is shorter than any patience."""
    import psycopg

    uri = server.new()
    store = Store(uri)
    with psycopg.connect(uri) as holder:
        holder.execute("LOCK TABLE blis_sessions")
        with pytest.raises(sa.exc.DBAPIError, match="lock timeout"):
            store.write(ROWS, {})
    store.write(ROWS, {})


def test_options_of_the_address_stand_beside_the_limits(server: Postgresql):
    import psycopg

    uri = server.new()
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA mine")
    Store(f"{uri}?options=-c%20search_path%3Dmine").write(ROWS, {})
    with psycopg.connect(uri) as connection:
        assert connection.execute("SELECT count(*) FROM mine.blis_sessions").fetchone() == (2,)


def test_a_connection_that_was_lost_is_replaced(server: Postgresql):
    store = Store(server.new())
    server.stop()
    server.start()
    store.write(ROWS, {})
    assert store.read("registry", 1) == ROWS["registry"]


def test_a_locked_file_is_told(tmp_path: Path):
    store = Store(f"sqlite:///{tmp_path / 'state.db'}")
    other = sqlite3.connect(tmp_path / "state.db")
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(sa.exc.DBAPIError, match="locked"):
        store.write(ROWS, {})
    other.rollback()
    store.write(ROWS, {})
