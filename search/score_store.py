"""Scores that searches share: each under the digest of everything that decides it, so that no other can be meant.

A store that fails costs time, no result: that is said once, and the search goes on without it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any

import sqlalchemy as sa

from blis.database import Database, Schema, checked_address
from blis.errors import EngineError, InputError, named
from blis.fitness.value import FitnessValue
from blis.stdout import note
from blis.yaml_strict import build, plain
from search.uri import HIDDEN

KEY = "evaluations.store"

#: Keys of one question and rows of one transaction, and how long a writer waits for more of them.
_AT_ONCE, _GATHER_S = 500, 0.05

#: How long to wait for other writers of the same file, and how often.
_LOCK_MS, _TRIES = 10_000, 3

_METADATA = sa.MetaData()
_SCHEMA = Schema("blis_scores_schema", 1, _METADATA)
_SCORES = sa.Table(
    "blis_scores",
    _METADATA,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("score", sa.Text, nullable=False),  # JSON of a FitnessValue
    sa.Column("at_s", sa.Double, nullable=False, index=True),  # Unix seconds: who wants to may delete what is old
)

Row = dict[str, Any]


class ScoreStore:
    """Scores by their keys in a database. One thread asks, another writes what is new, many rows at a time."""

    def __init__(self, uri: str) -> None:
        """Nothing is opened before it is asked. Raises InputError for what is no address."""
        if HIDDEN in uri:
            raise InputError(f"{KEY} was written down without its secret; give it again, or null")
        checked_address(KEY, uri)
        self._uri = uri
        self._database: Database | None = None
        self._writer: Thread | None = None
        self._rows: SimpleQueue[Row | None] = SimpleQueue()
        self._working, self._lock = True, Lock()

    def __enter__(self) -> ScoreStore:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def find(self, keys: Sequence[str]) -> dict[str, FitnessValue]:
        """The scores that are known, by key."""
        found: dict[str, FitnessValue] = {}
        with self._survived():
            for start in range(0, len(keys) if self._working else 0, _AT_ONCE):
                found.update(self._read(keys[start : start + _AT_ONCE]))
        return found

    def put(self, key: str, score: object) -> None:
        """Write a score down, soon."""
        if self._working and isinstance(score, FitnessValue):
            self._rows.put({"key": key, "score": json.dumps(plain(score)), "at_s": time.time()})
            self._writer = self._writer or self._started()

    def close(self) -> None:
        """Write what is left, and hang up."""
        if self._writer is not None:
            self._rows.put(None)
            self._writer.join()
            self._writer = None
        if self._database is not None:
            self._database.close()
            self._database = None

    def _started(self) -> Thread:
        writer = Thread(target=self._keep_writing, name="scores", daemon=True)
        writer.start()
        return writer

    def _opened(self) -> Database:
        with self._lock:
            self._database = self._database or Database(KEY, self._uri, _SCHEMA, connections=2, lock_ms=_LOCK_MS)
            return self._database

    def _read(self, keys: Sequence[str]) -> Iterator[tuple[str, FitnessValue]]:
        database = self._opened()
        with database.told(), database.engine.connect() as connection:
            rows = connection.execute(sa.select(_SCORES.c.key, _SCORES.c.score).where(_SCORES.c.key.in_(keys))).all()
        for key, text in rows:
            try:
                score = build(FitnessValue, json.loads(text))
            except (InputError, ValueError) as error:
                raise EngineError(f"{database.shown}: the row of {key} has no score: {error}") from None
            yield key, score

    def _keep_writing(self) -> None:
        """Write rows as they come, until the end or the first failure."""
        more = True
        while more:
            rows, more = self._gathered()
            with self._survived():
                self._write(rows)

    def _gathered(self) -> tuple[list[Row], bool]:
        """The next rows, at most as many as go together; whether more may come."""
        rows: list[Row] = []
        until = float("inf")
        while len(rows) < _AT_ONCE:
            try:
                row = self._rows.get(timeout=None if not rows else max(0.0, until - time.monotonic()))
            except Empty:
                break
            if row is None:
                return rows, False
            until = time.monotonic() + _GATHER_S if not rows else until
            rows.append(row)
        return rows, True

    def _write(self, rows: list[Row]) -> None:
        """Add rows; those that somebody else has added stay as they are: equal keys have equal scores."""
        if not rows or not self._working:
            return
        database = self._opened()
        statement = database.insert(_SCORES).on_conflict_do_nothing(index_elements=["key"])
        for left in reversed(range(_TRIES)):
            try:
                with database.engine.begin() as connection:
                    connection.execute(statement, sorted(rows, key=lambda row: row["key"]))
                return
            except sa.exc.OperationalError as error:  # a lock that others held for long, a server that starts again
                if not left:
                    raise EngineError(f"{database.shown}: {database.why(error)}") from error

    @contextmanager
    def _survived(self) -> Iterator[None]:
        """Go on without the store after a failure, which is told once; after one nothing is tried."""
        try:
            yield
        except (InputError, EngineError, sa.exc.SQLAlchemyError, ValueError) as error:
            text = str(error) if isinstance(error, InputError | EngineError) else f"{KEY}: {named(error)}"
            if self._working:
                note(f"warning: {text}; the search goes on without")
            self._working = False
