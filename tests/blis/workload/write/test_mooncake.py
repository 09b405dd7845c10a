"""Tables as Mooncake's rows: what is read back is what was written."""

from __future__ import annotations

import json

import numpy as np
import pytest

from blis.workload.assemble import assemble
from blis.workload.content.reuse import seen_tokens
from blis.workload.content.tree import intern_sequences
from blis.workload.read.mooncake import load_mooncake
from blis.workload.write.mooncake import prompt_hashes, save_mooncake
from tests.blis.workload.trace_files import random_mooncake_rows, write_mooncake


def shared(rows):
    """A table of rows (spans, input tokens): outputs are 10 tokens more."""
    sequences = [[*spans, (("own", row), 0, 10_000)] for row, (spans, _) in enumerate(rows)]
    inputs = [tokens for _, tokens in rows]
    content = intern_sequences(sequences, inputs)
    totals = content.path_end_token[content.path_offset[1:] - 1]
    arrivals = [1000 * row for row in range(len(rows))]
    return assemble(content, arrival_us=arrivals, input_tokens=inputs, output_tokens=totals - inputs)


@pytest.mark.parametrize("seed", range(3))
def test_what_is_read_is_written_again(tmp_path, seed):
    table = load_mooncake(write_mooncake(tmp_path / "a.jsonl", random_mooncake_rows(seed, 60)))
    save_mooncake(tmp_path / "b.jsonl", table, table.arrival_us)
    again = load_mooncake(tmp_path / "b.jsonl")
    for name in ("arrival_us", "input_tokens", "output_tokens", "path_node", "path_end_token", "output_node"):
        np.testing.assert_array_equal(getattr(again, name), getattr(table, name))


def test_there_is_an_id_for_every_block_that_a_prompt_starts():
    rows = [([("a", 0, 2000)], tokens) for tokens in (1, 511, 512, 513, 1024, 2000)]
    assert [len(ids) for ids in prompt_hashes(shared(rows), 512)] == [1, 1, 1, 2, 2, 4]


def test_a_block_that_a_prompt_ends_in_has_an_id_of_its_own_size():
    """The same beginning, but once cut off inside the block: equal ids would say that all of it is equal."""
    one, other, same = prompt_hashes(
        shared([([("a", 0, 700)], 700), ([("a", 0, 900)], 900), ([("a", 0, 700)], 700)]), 512
    )
    assert one[0] == other[0] == same[0]
    assert one[1] == same[1] != other[1]


def test_ids_are_equal_iff_beginnings_are(tmp_path):
    rows = [([("a", 0, 1024), ("b", 0, 500)], 1500), ([("a", 0, 1024), ("c", 0, 500)], 1500), ([("c", 0, 600)], 600)]
    table = shared(rows)
    save_mooncake(tmp_path / "t.jsonl", table, table.arrival_us)
    assert seen_tokens(load_mooncake(tmp_path / "t.jsonl")).tolist() == [0, 1024, 0]


def test_rows_are_written_in_the_order_of_their_arrivals_in_ms(tmp_path):
    table = shared([([], 5), ([], 6), ([], 7), ([], 8)])
    save_mooncake(tmp_path / "t.jsonl", table, np.array([7600, 1499, 2501, -1]))  # the last one never came
    rows = [json.loads(line) for line in (tmp_path / "t.jsonl").read_text().splitlines()]
    assert [(row["timestamp"], row["input_length"]) for row in rows] == [(1, 6), (3, 7), (8, 5)]
