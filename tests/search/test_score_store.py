"""Scores come back as they were put, whoever puts them; a store that fails costs no search anything but time."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from blis.errors import InputError
from blis.fitness.value import FitnessValue
from search.score_store import ScoreStore
from tests.blis.gateway.databases import SECRET, Postgresql

SCORE = FitnessValue(0.1 + 0.2, {"f_ttft": 1 / 3, "f_tail": -2e-300}, 0.25, 0.0, 0.5, 1.0, (0.1, -0.7))


def scored(number: int) -> FitnessValue:
    return FitnessValue(number / 7, {})


def write(uri: str, first: int, last: int) -> None:
    """What one searcher does: it puts scores one by one, half of them known to its neighbour."""
    with ScoreStore(uri) as store:
        for number in range(first, last):
            store.put(f"{number:064x}", scored(number))


def all_rows(uri: str) -> list[tuple[str, str]]:
    engine = sa.create_engine(uri.replace("postgresql:", "postgresql+psycopg:"))
    with closing(engine.connect()) as connection:
        rows = connection.execute(sa.text("SELECT key, score FROM blis_scores ORDER BY key")).all()
    engine.dispose()
    return [(key, score) for key, score in rows]


def test_scores_come_back_to_the_last_digit(uri: str):
    with ScoreStore(uri) as store:
        store.put("a", SCORE)
        store.put("b", scored(1))
    with ScoreStore(uri) as again:
        assert again.find(["b", "a", "unknown"]) == {"a": SCORE, "b": scored(1)}
        assert again.find([]) == {}
        assert again.find([f"{number}" for number in range(2000)]) == {}


def test_the_first_score_of_a_key_stands(uri: str):
    for score in (SCORE, scored(3)):
        with ScoreStore(uri) as store:
            store.put("a", score)
    with ScoreStore(uri) as store:
        assert store.find(["a"]) == {"a": SCORE}


def test_what_is_no_score_is_not_kept(uri: str):
    with ScoreStore(uri) as store:
        store.put("a", SCORE)
        store.put("b", "failed")
    assert [key for key, _ in all_rows(uri)] == ["a"]


def test_several_writers_lose_nothing_and_double_nothing(uri: str):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write, args=(uri, 200 * n, 200 * n + 400)) for n in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    with ScoreStore(uri) as store:
        keys = [f"{number:064x}" for number in range(1000)]
        assert store.find(keys) == {key: scored(number) for number, key in enumerate(keys)}
    assert [key for key, _ in all_rows(uri)] == keys


def test_a_server_that_goes_away_is_told_once_and_the_search_goes_on(server: Postgresql, capsys):
    with ScoreStore(server.new()) as store:
        store.put("a", SCORE)
        assert store.find(["b"]) == {}
        server.stop()
        try:
            assert [store.find(["a"]) for _ in range(3)] == [{}] * 3
            store.put("b", SCORE)
        finally:
            server.start()
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1
    assert told[0].startswith("warning: evaluations.store postgresql://postgres:***@127.0.0.1:")
    assert told[0].endswith("; the search goes on without")
    assert SECRET not in told[0]


def test_a_file_that_is_no_database_and_a_row_that_is_no_score_are_told_once(tmp_path: Path, capsys):
    file = tmp_path / "scores.db"
    file.write_text("once upon a time " * 100)
    with ScoreStore(f"sqlite:///{file}") as store:
        store.put("a", SCORE)
        assert store.find(["a"]) == store.find(["b"]) == {}
    assert capsys.readouterr().err.count("not a database") == 1
    file.unlink()
    write(f"sqlite:///{file}", 0, 1)
    engine = sa.create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE blis_scores SET score = 'lots'"))
    engine.dispose()
    with ScoreStore(f"sqlite:///{file}") as store:
        assert store.find([f"{0:064x}"]) == {}
    told = capsys.readouterr().err
    assert told.count("warning: evaluations.store ") == 1 and f"{file}: the row of 000" in told


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("scores.db", "evaluations.store must be sqlite:///FILE or postgresql://"),
        ("mysql://me:correct-horse@h/d", "unknown scheme of evaluations.store 'mysql' (did you mean 'sqlite'?)"),
        ("postgresql://***@h/d", "evaluations.store was written down without its secret; give it again, or null"),
        (
            "sqlite:////no/such/folder/s.db",
            "evaluations.store /no/such/folder/s.db: must be a file in a folder that is",
        ),
    ],
)
def test_what_is_no_store_is_refused_in_one_line(address: str, said: str):
    with pytest.raises(InputError) as error:
        ScoreStore(address)
    assert said in str(error.value)
    assert SECRET not in str(error.value)


def test_a_process_that_puts_and_ends_has_written(tmp_path: Path):
    code = "from tests.search.test_score_store import write; import sys; write(sys.argv[1], 0, 3)"
    address = f"sqlite:///{tmp_path / 'scores.db'}"
    subprocess.run([sys.executable, "-c", code, address], check=True)
    assert len(all_rows(address)) == 3
