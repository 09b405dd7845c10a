"""What a gateway remembers, in a database: one table a subject, a row a key, and of two words on a key the later one.

Gateways may share a database: each reads it when it starts, and what they write is merged there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from blis.errors import EngineError, InputError, named, one_line, unknown_name

SCHEMA_VERSION = 1

#: A key, what it stands for, and when that was so, in Unix seconds.
Row = tuple[str, Any, float]

#: Statements that take longer are given up; the rows are tried again later.
_STATEMENT_MS, _LOCK_MS, _CONNECT_S, _SILENT_MS = 5000, 1000, 5, 10_000

#: There is one writer, so one connection; it is asked whether it lives before each use and is renewed now and then.
_POOL = {"pool_size": 1, "max_overflow": 0, "pool_timeout": _CONNECT_S, "pool_recycle": 1800, "pool_pre_ping": True}

#: PostgreSQL plans a statement once when a connection has sent it twice.
_PREPARE_AFTER = 1

_DRIVERS = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+psycopg"}
_FORMS = "sqlite:///FILE or postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}

#: What lets only one gateway at a time look for its tables and make them.
_ALONE = {"sqlite": "BEGIN IMMEDIATE", "postgresql": "SELECT pg_advisory_xact_lock(70915)"}

_METADATA = sa.MetaData()


def _table(name: str, key: str, value: str, kind: type[sa.types.TypeEngine[Any]], when: str) -> sa.Table:
    return sa.Table(
        f"blis_{name}",
        _METADATA,
        sa.Column(key, sa.Text, primary_key=True),
        sa.Column(value, kind, nullable=False),
        sa.Column(when, sa.Double, nullable=False, index=True),
    )


_SCHEMA = sa.Table("blis_schema", _METADATA, sa.Column("version", sa.Integer, primary_key=True, autoincrement=False))
_TABLES = {
    "sessions": _table("sessions", "session", "backend", sa.Text, "used_s"),
    "budgets": _table("budgets", "customer", "tokens", sa.Double, "left_at_s"),
    "registry": _table("registry", "backend", "state", sa.Text, "since_s"),
}


class Store:
    """The tables of one database; they are there once it is made."""

    def __init__(self, uri: str) -> None:
        """Raises InputError for what is no address, or another version; EngineError if the database cannot be read."""
        self._url = _checked(uri)
        self.kind = self._url.get_backend_name()
        self._engine = _engine(self._url)
        self._upserts = {name: self._upsert(table) for name, table in _TABLES.items()}
        with self._told():
            self._prepare()

    @property
    def shown(self) -> str:
        """The address without what may be a secret."""
        return self._url.set(drivername=self.kind, query={}).render_as_string(hide_password=True)

    def why(self, error: Exception) -> str:
        """What went wrong, in one line without secrets and without rows."""
        cause = getattr(error, "orig", None)
        text = one_line(cause or error) if isinstance(error, sa.exc.SQLAlchemyError) else named(error)
        for secret in (self._url.password, *self._url.normalized_query.values()):
            for part in (secret,) if isinstance(secret, str) else secret or ():
                text = text.replace(part, "***") if part else text
        return text

    def read(self, name: str, most: int) -> list[Row]:
        """The latest rows of a table, oldest first. Raises EngineError."""
        key, value, when = _TABLES[name].columns
        with self._told(), self._engine.connect() as connection:
            rows = connection.execute(sa.select(key, value, when).order_by(when.desc(), key).limit(most)).all()
        return [(row[0], row[1], row[2]) for row in reversed(rows)]

    def write(self, rows: Mapping[str, Iterable[Row]], oldest_s: Mapping[str, float]) -> None:
        """Keep rows, all or none, and forget those from before `oldest_s`, table by table."""
        with self._engine.begin() as connection:
            for name, changed in rows.items():
                if records := [{"key": key, "value": value, "at_s": at_s} for key, value, at_s in sorted(changed)]:
                    connection.execute(self._upserts[name], records)
            for name, at_s in oldest_s.items():
                table = _TABLES[name]
                connection.execute(sa.delete(table).where(list(table.columns)[2] < at_s))

    def close(self) -> None:
        """Hang up."""
        self._engine.dispose()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What fails is an error for the user: the gateway has not started yet."""
        try:
            yield
        except sa.exc.SQLAlchemyError as error:
            raise EngineError(f"--state {self.shown}: {self.why(error)}") from error

    def _prepare(self) -> None:
        with self._engine.begin() as connection:
            connection.exec_driver_sql(_ALONE[self.kind])
            _METADATA.create_all(connection)
            found = connection.scalars(sa.select(_SCHEMA.c.version)).all()
            if not found:
                connection.execute(sa.insert(_SCHEMA).values(version=SCHEMA_VERSION))
            elif found != [SCHEMA_VERSION]:
                theirs = ", ".join(map(str, found))
                raise InputError(f"--state {self.shown}: its tables are of version {theirs}, not {SCHEMA_VERSION}")

    def _upsert(self, table: sa.Table) -> Any:
        """The statement that adds a row, or changes it unless it is from later."""
        names = [column.name for column in table.columns]
        insert = _INSERTS[self.kind](table)
        insert = insert.values(dict(zip(names, map(sa.bindparam, ("key", "value", "at_s")), strict=True)))
        _, value, when = names
        return insert.on_conflict_do_update(
            index_elements=[names[0]],
            set_={value: insert.excluded[value], when: insert.excluded[when]},
            where=table.c[when] <= insert.excluded[when],
        )


def _checked(uri: str) -> sa.URL:
    """The address, with the driver that we use."""
    scheme, told, _ = uri.partition("://")
    if not told or not re.fullmatch(r"[a-z0-9+]+", scheme):
        raise InputError(f"--state must be {_FORMS}")
    known = _DRIVERS | {driver: driver for driver in _DRIVERS.values()}
    if scheme not in known:
        raise unknown_name("scheme of --state", scheme, _DRIVERS)
    try:
        url = sa.make_url(uri).set(drivername=known[scheme])
    except (sa.exc.ArgumentError, ValueError):  # whose text may hold the password
        raise InputError(f"--state must be {_FORMS}") from None
    _check_database(url)
    return url


def _check_database(url: sa.URL) -> None:
    """Raise InputError unless it names a database."""
    if not url.database or url.database == ":memory:":
        raise InputError(f"--state must name a database: {_FORMS}")
    if url.get_backend_name() == "sqlite":
        path = Path(url.database)
        if path.is_dir() or not path.absolute().parent.is_dir():
            raise InputError(f"--state {url.database}: must be a file in a folder that is there")


def _engine(url: sa.URL) -> sa.Engine:
    if url.get_backend_name() == "sqlite":
        engine = sa.create_engine(url, hide_parameters=True, connect_args={"timeout": _LOCK_MS / 1e3}, **_POOL)
        sa.event.listen(engine, "connect", _sqlite_settings)
        return engine
    limits = f"-c statement_timeout={_STATEMENT_MS} -c lock_timeout={_LOCK_MS} {url.query.get('options', '')}"
    options = {"options": limits.strip(), "connect_timeout": _CONNECT_S, "tcp_user_timeout": _SILENT_MS}
    options |= {"prepare_threshold": _PREPARE_AFTER}
    try:
        return sa.create_engine(url, hide_parameters=True, connect_args=options, **_POOL)
    except ImportError:
        raise InputError("--state postgresql:// needs a driver: pip install 'psycopg[binary]'") from None


def _sqlite_settings(connection: Any, _: object) -> None:
    """Readers and the writer do not wait for each other; what a power cut may take is the last second, not the file."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
