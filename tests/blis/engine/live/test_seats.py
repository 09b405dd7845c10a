from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from blis.config import Routing
from blis.engine.live.seats import Seats
from blis.errors import InputError
from blis.tables.requests import RequestTable
from blis.tables.streams import Chunk
from blis.workload.assemble import assemble
from blis.workload.content.tree import intern_prefix_groups
from tests.blis.engine.live.small import scenario


def table(n: int, first_us: int = 0, prefix: int = 0) -> RequestTable:
    """Prompts of 9 tokens, one a µs."""
    lengths = np.full(n, 9)
    return assemble(
        intern_prefix_groups(np.zeros(n), np.full(n, prefix), lengths, np.full(n, 4)),
        arrival_us=first_us + np.arange(n),
        input_tokens=lengths,
        output_tokens=np.full(n, 4),
    )


def chunk(first: int, n: int) -> Chunk:
    return Chunk(first, table(n, first), np.zeros(n, np.int32))


def test_rows_are_given_back_and_taken_again():
    seats = Seats(scenario(), table(2), 0, 4)
    rows = seats.take_all(chunk(0, 3), 3)
    seats.state.arrays.cluster.released = 0  # they have come
    seats.give_back_all(rows)
    again = seats.take_all(chunk(3, 3), 3)
    assert set(again) == set(rows) and seats.number[again].tolist() == [3, 4, 5]


def test_there_is_always_room():
    seats = Seats(scenario(), table(2), 0, 2)
    rows = np.concatenate([seats.take_all(chunk(first, 40), 40) for first in (0, 40, 80)])
    arrays = seats.state.arrays
    assert len(set(rows.tolist())) == 120 and arrays.config.requests == len(arrays.requests) > 120
    assert arrays.releases["key"][0, :120].tolist() == list(range(120))
    assert (arrays.rows.input_tokens[rows] == 9).all() and (arrays.loops.think_us == 1).all()


def test_a_prompt_begins_as_its_pattern_does():
    seats = Seats(scenario(), table(2, prefix=8), 0, 4)
    chunk = Chunk(0, table(2), np.array([0, -1], np.int32))
    shares, alone = seats.take_all(chunk, 2)
    rows = seats.state.arrays.rows
    assert rows.path_end[shares] - rows.path_begin[shares] == 1
    assert rows.path_end[alone] == rows.path_begin[alone]


def test_nobody_takes_no_row():
    seats = Seats(scenario(), table(2), 0, 4)
    assert len(seats.take_all(chunk(0, 2), 0)) == 0 and seats.arrivals == 0


def test_whole_prompts_are_not_known():
    plain = scenario(instances=2)
    exact = replace(plain, cluster=replace(plain.cluster, routing=Routing("prefix-affinity-exact")))
    with pytest.raises(InputError, match="prefix-affinity-exact"):
        Seats(exact, table(2), 0, 4)
