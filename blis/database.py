"""A database of ours, SQLite or PostgreSQL: its address, its tables made once, and what went wrong in one line.

Programs may share one: each finds its tables or makes them, and says which version of them it knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from blis.errors import EngineError, InputError, named, one_line, unknown_name

#: Statements that take longer are given up.
_STATEMENT_MS, _CONNECT_S, _SILENT_MS = 5000, 5, 10_000

#: Connections are asked whether they live before each use and are renewed now and then.
_POOL = {"max_overflow": 0, "pool_timeout": _CONNECT_S, "pool_recycle": 1800, "pool_pre_ping": True}

#: PostgreSQL plans a statement once when a connection has sent it twice.
_PREPARE_AFTER = 1

_DRIVERS = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+psycopg"}
_FORMS = "sqlite:///FILE or postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}

#: What lets only one program at a time look for its tables and make them.
_ALONE = {"sqlite": "BEGIN IMMEDIATE", "postgresql": "SELECT pg_advisory_xact_lock(70915)"}


@dataclass(frozen=True)
class Schema:
    """Tables that belong together. name: of the table that says of which version they are."""

    name: str
    version: int
    metadata: sa.MetaData

    @cached_property
    def versions(self) -> sa.Table:
        """One row: the version."""
        return sa.Table(
            self.name, self.metadata, sa.Column("version", sa.Integer, primary_key=True, autoincrement=False)
        )


class Database:
    """Tables in one database; they are there once it is made."""

    def __init__(self, key: str, uri: str, schema: Schema, *, connections: int = 1, lock_ms: int = 1000) -> None:
        """key: where the user gave the address. connections: at once, at most. lock_ms: how long to wait for others.

        Raises InputError for what is no address, or another version; EngineError if the database cannot be read.
        """
        self._key, self._url, self._schema = key, checked_address(key, uri), schema
        self.kind = self._url.get_backend_name()
        self.engine = _engine(key, self._url, connections, lock_ms)
        with self.told():
            self._prepare()

    @property
    def shown(self) -> str:
        """Where the user gave it, and the address without what may be a secret."""
        address = self._url.set(drivername=self.kind, query={}).render_as_string(hide_password=True)
        return f"{self._key} {address}"

    def insert(self, table: sa.Table) -> Any:
        """An insertion that may say what to do where there is a row already."""
        return _INSERTS[self.kind](table)

    def why(self, error: Exception) -> str:
        """What went wrong, in one line without secrets and without rows."""
        cause = getattr(error, "orig", None)
        text = one_line(cause or error) if isinstance(error, sa.exc.SQLAlchemyError) else named(error)
        for secret in (self._url.password, *self._url.normalized_query.values()):
            for part in (secret,) if isinstance(secret, str) else secret or ():
                text = text.replace(part, "***") if part else text
        return text

    @contextmanager
    def told(self) -> Iterator[None]:
        """What fails is an error for the user."""
        try:
            yield
        except sa.exc.SQLAlchemyError as error:
            raise EngineError(f"{self.shown}: {self.why(error)}") from error

    def close(self) -> None:
        """Hang up."""
        self.engine.dispose()

    def _prepare(self) -> None:
        versions, ours = self._schema.versions, self._schema.version
        with self.engine.begin() as connection:
            connection.exec_driver_sql(_ALONE[self.kind])
            self._schema.metadata.create_all(connection)
            found: Sequence[int] = connection.scalars(sa.select(versions.c.version)).all()
            if not found:
                connection.execute(sa.insert(versions).values(version=ours))
            elif found != [ours]:
                theirs = ", ".join(map(str, found))
                raise InputError(f"{self.shown}: its tables are of version {theirs}, not {ours}")


def checked_address(key: str, uri: str) -> sa.URL:
    """The address, with the driver that we use. Raises InputError for what is none."""
    scheme, told, _ = uri.partition("://")
    if not told or not re.fullmatch(r"[a-z0-9+]+", scheme):
        raise InputError(f"{key} must be {_FORMS}")
    known = _DRIVERS | {driver: driver for driver in _DRIVERS.values()}
    if scheme not in known:
        raise unknown_name(f"scheme of {key}", scheme, _DRIVERS)
    try:
        url = sa.make_url(uri).set(drivername=known[scheme])
    except (sa.exc.ArgumentError, ValueError):  # whose text may hold the password
        raise InputError(f"{key} must be {_FORMS}") from None
    _check_database(key, url)
    return url


def _check_database(key: str, url: sa.URL) -> None:
    """Raise InputError unless it names a database."""
    if not url.database or url.database == ":memory:":
        raise InputError(f"{key} must name a database: {_FORMS}")
    if url.get_backend_name() == "sqlite":
        path = Path(url.database)
        if path.is_dir() or not path.absolute().parent.is_dir():
            raise InputError(f"{key} {url.database}: must be a file in a folder that is there")


def _engine(key: str, url: sa.URL, connections: int, lock_ms: int) -> sa.Engine:
    pool = {"pool_size": connections, **_POOL}
    if url.get_backend_name() == "sqlite":
        engine = sa.create_engine(url, hide_parameters=True, connect_args={"timeout": lock_ms / 1e3}, **pool)
        sa.event.listen(engine, "connect", _sqlite_settings)
        return engine
    limits = f"-c statement_timeout={_STATEMENT_MS} -c lock_timeout={lock_ms} {url.query.get('options', '')}"
    options = {"options": limits.strip(), "connect_timeout": _CONNECT_S, "tcp_user_timeout": _SILENT_MS}
    options |= {"prepare_threshold": _PREPARE_AFTER}
    try:
        return sa.create_engine(url, hide_parameters=True, connect_args=options, **pool)
    except ImportError:
        raise InputError(f"{key} postgresql:// needs a driver: pip install 'psycopg[binary]'") from None


def _sqlite_settings(connection: Any, _: object) -> None:
    """Readers and the writer do not wait for each other; what a power cut may take is the last second, not the file."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
