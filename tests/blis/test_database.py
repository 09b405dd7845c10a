"""A database is opened by its address, with the tables that its owner has; two owners share it."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from blis.database import Database, Schema
from blis.errors import EngineError, InputError


def schema(name: str, version: int = 1) -> Schema:
    metadata = sa.MetaData()
    sa.Table(f"{name}_rows", metadata, sa.Column("key", sa.Text, primary_key=True))
    return Schema(f"{name}_version", version, metadata)


def test_two_owners_share_a_database_each_with_its_own_version(tmp_path: Path):
    address = f"sqlite:///{tmp_path / 'both.db'}"
    for name, version in (("one", 1), ("other", 2), ("one", 1)):
        Database("--x", address, schema(name, version)).close()
    engine = sa.create_engine(address)
    assert sorted(sa.inspect(engine).get_table_names()) == ["one_rows", "one_version", "other_rows", "other_version"]
    engine.dispose()


def test_what_is_wrong_names_the_key_that_the_user_gave(tmp_path: Path):
    address = f"sqlite:///{tmp_path / 'x.db'}"
    Database("--x", address, schema("one")).close()
    with pytest.raises(InputError, match=f"^a.key sqlite:///{tmp_path}/x.db: its tables are of version 1, not 2$"):
        Database("a.key", address, schema("one", 2))
    with pytest.raises(InputError, match=r"^a\.key must be sqlite:///FILE or"):
        Database("a.key", "x.db", schema("one"))
    (tmp_path / "x.db").write_text("no database " * 50)
    with pytest.raises(EngineError, match=r"^a\.key sqlite:///.*x\.db: file is not a database$"):
        Database("a.key", address, schema("one"))


def test_a_row_that_is_there_may_stay(tmp_path: Path):
    ours = schema("one")
    database = Database("--x", f"sqlite:///{tmp_path / 'x.db'}", ours)
    table = ours.metadata.tables["one_rows"]
    statement = database.insert(table).on_conflict_do_nothing(index_elements=["key"])
    for _ in range(2):
        with database.engine.begin() as connection:
            connection.execute(statement, [{"key": "a"}])
    with database.engine.connect() as connection:
        assert connection.execute(sa.select(table)).all() == [("a",)]
    database.close()
