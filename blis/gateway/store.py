"""What a gateway remembers, in a database: one table a subject, a row a key, and of two words on a key the later one.

Gateways may share a database: each reads it when it starts, and what they write is merged there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from blis.database import Database, Schema

#: A key, what it stands for, and when that was so, in Unix seconds.
Row = tuple[str, Any, float]

_METADATA = sa.MetaData()
_SCHEMA = Schema("blis_schema", 1, _METADATA)


def _table(name: str, key: str, value: str, kind: type[sa.types.TypeEngine[Any]], when: str) -> sa.Table:
    return sa.Table(
        f"blis_{name}",
        _METADATA,
        sa.Column(key, sa.Text, primary_key=True),
        sa.Column(value, kind, nullable=False),
        sa.Column(when, sa.Double, nullable=False, index=True),
    )


_TABLES = {
    "sessions": _table("sessions", "session", "backend", sa.Text, "used_s"),
    "budgets": _table("budgets", "customer", "tokens", sa.Double, "left_at_s"),
    "registry": _table("registry", "backend", "state", sa.Text, "since_s"),
}


class Store(Database):
    """The tables of one database; they are there once it is made."""

    def __init__(self, uri: str) -> None:
        """Raises InputError for what is no address, or another version; EngineError if the database cannot be read."""
        super().__init__("--state", uri, _SCHEMA)
        self._upserts = {name: self._upsert(table) for name, table in _TABLES.items()}

    def read(self, name: str, most: int) -> list[Row]:
        """The latest rows of a table, oldest first. Raises EngineError."""
        key, value, when = _TABLES[name].columns
        with self.told(), self.engine.connect() as connection:
            rows = connection.execute(sa.select(key, value, when).order_by(when.desc(), key).limit(most)).all()
        return [(row[0], row[1], row[2]) for row in reversed(rows)]

    def write(self, rows: Mapping[str, Iterable[Row]], oldest_s: Mapping[str, float]) -> None:
        """Keep rows, all or none, and forget those from before `oldest_s`, table by table."""
        with self.engine.begin() as connection:
            for name, changed in rows.items():
                if records := [{"key": key, "value": value, "at_s": at_s} for key, value, at_s in sorted(changed)]:
                    connection.execute(self._upserts[name], records)
            for name, at_s in oldest_s.items():
                table = _TABLES[name]
                connection.execute(sa.delete(table).where(list(table.columns)[2] < at_s))

    def _upsert(self, table: sa.Table) -> Any:
        """The statement that adds a row, or changes it unless it is from later."""
        names = [column.name for column in table.columns]
        insert = self.insert(table)
        insert = insert.values(dict(zip(names, map(sa.bindparam, ("key", "value", "at_s")), strict=True)))
        _, value, when = names
        return insert.on_conflict_do_update(
            index_elements=[names[0]],
            set_={value: insert.excluded[value], when: insert.excluded[when]},
            where=table.c[when] <= insert.excluded[when],
        )
