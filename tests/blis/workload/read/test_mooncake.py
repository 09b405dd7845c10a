import itertools
import json

import numpy as np
import pytest

from blis.errors import InputError
from blis.workload.content.reuse import ideal_hits, seen_tokens
from blis.workload.read.mooncake import load_bailian, load_dynamo, load_mooncake
from tests.blis.workload.trace_files import (
    MOONCAKE_CONVERSATION,
    MOONCAKE_SYNTHETIC,
    error_of,
    mooncake_row,
    needs_samples,
    random_mooncake_rows,
    write_mooncake,
)


def block_of(table, row, block, size):
    """(node, block index): what makes two KV blocks equal."""
    part = slice(table.path_offset[row], table.path_offset[row + 1])
    return int(table.path_node[part][np.searchsorted(table.path_end_token[part], (block + 1) * size)]), block


def lines(folder, *rows):
    path = folder / "t.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def session(name, timestamp, **more):
    """A row of a session; what is None is not there."""
    row = {"session_id": name, "timestamp": timestamp, "input_length": 9, "output_length": 1, **more}
    return {key: value for key, value in row.items() if value is not None}


class TestMooncake:
    def test_columns(self, tmp_path):
        rows = [(0, 600, 5, [7, 8]), (27.5, 512, 0, [9]), (27.5, 1, 3, [10])]
        table = load_mooncake(write_mooncake(tmp_path / "t.jsonl", rows), "ms")
        assert table.arrival_us.tolist() == [0, 27500, 27500]  # equal times keep the order of the file
        assert table.input_tokens.tolist() == [600, 512, 1]
        assert table.output_tokens.tolist() == [5, 0, 3]
        assert table.request_id(1) == "request_1"

    def test_prompts_share_what_their_leading_ids_cover(self, tmp_path):
        rows = [
            (0, 1300, 5, [1, 2, 3]),
            (1, 1500, 5, [1, 2, 4]),  # two blocks
            (2, 1300, 5, [5, 2, 3]),  # the same ids after another beginning are other content
            (3, 1300, 5, [1, 2, 3]),  # all of the first one
        ]
        assert seen_tokens(load_mooncake(write_mooncake(tmp_path / "t.jsonl", rows))).tolist() == [
            0,
            1024,
            0,
            1300,
        ]

    def test_outputs_are_the_requests_own(self, tmp_path):
        rows = [(0, 512, 600, [1]), (1, 512, 600, [1])]
        table = load_mooncake(write_mooncake(tmp_path / "t.jsonl", rows))
        assert block_of(table, 0, 0, 512) == block_of(table, 1, 0, 512)
        assert block_of(table, 0, 1, 512) != block_of(table, 1, 1, 512)

    @pytest.mark.parametrize("size", [16, 48, 512, 1000])
    def test_blocks_of_any_size_are_equal_iff_their_tokens_are(self, tmp_path, size):
        rows = random_mooncake_rows(seed=size, n=25)
        table = load_mooncake(write_mooncake(tmp_path / "t.jsonl", rows))
        tokens = [
            [(h, i) for h in ids for i in range(512)][:n_input] + [("output", row, i) for i in range(n_output)]
            for row, (_, n_input, n_output, ids) in enumerate(rows)
        ]
        equal = 0
        for a, b in itertools.combinations(range(len(rows)), 2):
            for block in range(min(len(tokens[a]), len(tokens[b])) // size):
                same = tokens[a][: (block + 1) * size] == tokens[b][: (block + 1) * size]
                assert (block_of(table, a, block, size) == block_of(table, b, block, size)) == same
                equal += same
        assert equal > 50

    @pytest.mark.parametrize(
        ("row", "problem"),
        [
            (mooncake_row(-1, 512, 1, [1]), "column timestamp: -1 is not a time in ms >= 0"),
            (mooncake_row(float("nan"), 512, 1, [1]), "not valid JSON: NaN is no number in JSON"),
            (mooncake_row("6", 512, 1, [1]), "column timestamp: '6' is not a time in ms >= 0"),
            (mooncake_row(6, 0, 1, []), "column input_length: 0 is not a whole number in [1, 1000000000]"),
            (mooncake_row(6, 1.5, 1, [1]), "column input_length: 1.5 is not a whole number in [1, 1000000000]"),
            (mooncake_row(6, True, 1, [1]), "column input_length: True is not a whole number in [1, 1000000000]"),
            (mooncake_row(6, 512, -1, [1]), "column output_length: -1 is not a whole number in [0, 1000000000]"),
            (mooncake_row(6, 512, None, [1]), "column output_length: None is not a whole number in [0, 1000000000]"),
            (mooncake_row(6, 513, 1, [1]), "column hash_ids: [1] has 1 ids, but 513 tokens start 2 blocks of 512; as"),
            (
                mooncake_row(6, 5, 1, [1, 2, 3, 4, 5, 6]),
                "column hash_ids: [1, 2, 3, 4, 5, 6] has 6 ids, but 5 tokens",
            ),
            (mooncake_row(6, 512, 1, ["1"]), "column hash_ids: ['1'] is not a list of whole numbers"),
            (mooncake_row(6, 512, 1, 1), "column hash_ids: 1 is not a list of whole numbers"),
            (mooncake_row(6, 512, 1, [1])[:-3], "not valid JSON: "),
            (
                mooncake_row(6, 512, 1, [1])[:-1] + ', "output_length": 2}',
                "not valid JSON: duplicate key 'output_length'",
            ),
            (
                mooncake_row(6, 41, 1, [1] * 655),
                "column hash_ids: [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, ... has 655",
            ),
            ("[]", "a JSON object is expected, got '[]'"),
            (
                '{"timestamp": 6, "input_length": 1, "output_length": 1}',
                "column hash_ids: None is not a list of whole numbers",
            ),
        ],
    )
    def test_a_bad_line_is_named(self, tmp_path, row, problem):
        text = error_of(load_mooncake, tmp_path / "t.jsonl", mooncake_row(5, 5, 5, [5]), "", row)
        assert text.startswith(f"line 3: {problem}")

    def test_a_missing_key_names_what_may_have_been_meant(self, tmp_path):
        text = error_of(load_mooncake, tmp_path / "t.jsonl", '{"timestamp": 6, "input_len": 1}')
        assert text == "line 1: keys 'input_length' (is it 'input_len'?), 'output_length' are missing"

    @pytest.mark.parametrize("times", [[0, 0.37], [0.0, 1000.5, 2000], [i // 3 for i in range(30)]])
    def test_milliseconds_that_look_like_seconds_are_refused_unless_said(self, tmp_path, times):
        path = write_mooncake(tmp_path / "t.jsonl", [(time, 5, 5, [i]) for i, time in enumerate(times)])
        with pytest.raises(InputError, match=r"t.jsonl: .* are they seconds.* time_unit=s, else time_unit=ms"):
            load_mooncake(path)
        assert load_mooncake(path, "ms").arrival_us.tolist() == [round(time * 1000) for time in times]
        assert load_mooncake(path, "s").arrival_us.tolist() == [round(time * 1e6) for time in times]

    @pytest.mark.parametrize("times", [[0] * 30, [i // 4 for i in range(9)], [3 * i for i in range(30)]])
    def test_bursts_and_short_files_are_not_doubted(self, tmp_path, times):
        path = write_mooncake(tmp_path / "t.jsonl", [(time, 5, 5, [i]) for i, time in enumerate(times)])
        assert load_mooncake(path).arrival_us.tolist() == [1000 * time for time in times]

    def test_a_file_of_12000_rows_shares_what_it_repeats(self, tmp_path):
        rows = [(3 * i, 25 * 512, 100, [i % 50, *range(100 + 24 * i, 124 + 24 * i)]) for i in range(12_000)]
        path = write_mooncake(tmp_path / "t.jsonl", rows)
        assert load_mooncake(path).tree.n_shared == 50

    @needs_samples
    @pytest.mark.parametrize(
        ("path", "n", "ratio"), [(MOONCAKE_CONVERSATION, 4000, 0.326), (MOONCAKE_SYNTHETIC, 2000, 0.328)]
    )
    def test_the_samples_share_as_much_as_their_hashes_say(self, path, n, ratio):
        table = load_mooncake(path)
        assert len(table) == n
        found, started = -(-seen_tokens(table) // 512), -(-table.input_tokens // 512)
        assert found.sum() / started.sum() == pytest.approx(ratio, abs=0.0005)

    def test_hashes_may_have_any_number_of_bits(self, tmp_path):
        ids = [2**63 + 5, 2**64 - 1, -3, 2**40]
        rows = [(0, 1100, 5, [ids[0], ids[2], ids[3]]), (1, 1100, 5, [ids[0], ids[2], 7]), (2, 600, 5, [ids[1], 8])]
        table = load_mooncake(write_mooncake(tmp_path / "t.jsonl", rows))
        assert seen_tokens(table).tolist() == [0, 1024, 0]

    def test_rows_out_of_order_are_sorted_and_that_is_said(self, tmp_path):
        rows = [(7, 600, 1, [1, 2]), (5, 700, 2, [1, 3]), (5, 100, 3, [4]), (9, 600, 4, [1, 2])]
        table = load_mooncake(write_mooncake(tmp_path / "t.jsonl", rows))
        assert table.arrival_us.tolist() == [0, 0, 2000, 4000]
        assert table.output_tokens.tolist() == [2, 3, 1, 4]
        assert [table.request_id(row) for row in range(4)] == ["request_1", "request_2", "request_0", "request_3"]
        assert seen_tokens(table).tolist() == [0, 0, 512, 600]
        assert table.notes == (
            "the first request comes at 5 ms: times count from there",
            "times are in ms, as the format says",
            "1 of 4 rows come before the row above: sorted by time",
        )

    @pytest.mark.parametrize("hashes", ["", ', "hash_ids": null'])
    def test_without_hashes_nothing_is_shared_and_that_is_said(self, tmp_path, hashes):
        path = tmp_path / "t.jsonl"
        path.write_text(f'{{"timestamp": 0, "input_length": 600, "output_length": 3{hashes}}}\n' * 2)
        table = load_mooncake(path)
        assert table.tree.n_shared == 0 and table.notes[0] == "no hash_ids: prompts share nothing"

    def test_misspelt_hashes_are_not_left_aside(self, tmp_path):
        line = '{"timestamp": 0, "input_length": 600, "output_length": 3, "hash_id": [1, 2]}'
        assert error_of(load_mooncake, tmp_path / "t", line) == "line 1: key 'hash_ids' is missing (is it 'hash_id'?)"

    def test_dynamo_has_other_names_for_the_same(self, tmp_path):
        rows = [(0, 700, 5, [1, 2]), (9, 800, 0, [1, 3])]
        there, here = write_mooncake(tmp_path / "m", rows), tmp_path / "d"
        text = there.read_text().replace("timestamp", "created_time")
        here.write_text(text.replace("input_length", "input_tokens").replace("output_length", "output_tokens"))
        one, other = load_mooncake(there), load_dynamo(here)
        for name in ("arrival_us", "input_tokens", "output_tokens", "path_node", "path_end_token"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


class TestTurns:
    """Rows that share a session are never taken for others."""

    def test_a_later_time_is_a_pause_after_the_answer_before(self, tmp_path):
        path = lines(tmp_path, session("a", 0), session("b", 5), session("a", 100))
        table = load_mooncake(path)
        assert table.request_ids == ("request_0", "request_2", "request_1")
        assert table.arrival_us.tolist() == [0, -1, 5000] and table.think_us.tolist() == [0, 100_000, 0]
        assert "1 of 3 requests come when the one before is answered, after a pause" in table.notes

    def test_or_an_arrival_if_that_is_said(self, tmp_path):
        table = load_mooncake(lines(tmp_path, session("a", 0), session("b", 5), session("a", 100)), turns="arrivals")
        assert table.arrival_us.tolist() == [0, 5000, 100_000] and table.session.tolist() == [0, 1, 0]
        assert table.predecessor is None

    def test_a_delay_counts_from_the_answer_before(self, tmp_path):
        path = lines(
            tmp_path, session("a", 7), session("b", 9), session("a", None, delay=2000), session("a", 20, delay=30)
        )
        table = load_mooncake(path)
        assert table.arrival_us.tolist() == [0, -1, -1, 2000]
        assert table.think_us.tolist() == [0, 2_000_000, 30_000, 0]

    @pytest.mark.parametrize(
        ("rows", "turns", "problem"),
        [
            ([("a", 0, None), ("a", None, 5)], "arrivals", "None is missing: only turns: closed replays a delay"),
            ([("a", 0, None), ("b", None, 5)], "closed", "None is missing, and there is no turn before"),
            ([("a", 0, 5), ("a", None, None)], "closed", "None is missing, and there is no turn before"),
            ([("a", 0, None), ("a", None, None)], "closed", "None is not a time in ms >= 0"),
        ],
    )
    def test_a_row_without_a_time_needs_a_turn_before(self, tmp_path, rows, turns, problem):
        path = lines(tmp_path, *(session(name, at, delay=delay) for name, at, delay in rows))
        with pytest.raises(InputError, match=f"line 2: column timestamp: {problem}"):
            load_mooncake(path, turns=turns)

    def test_a_delay_without_a_session_is_of_no_turn(self, tmp_path):
        path = lines(
            tmp_path, session("a", 7), {k: v for k, v in session("", 9, delay=30).items() if k != "session_id"}
        )
        with pytest.raises(InputError, match="line 2: column delay: 30 is of a turn of a session, and the row has no"):
            load_mooncake(path)

    def test_a_delay_of_a_first_turn_is_left_out_and_counted(self, tmp_path):
        path = lines(tmp_path, session("a", 7, delay=50), session("b", 9), session("a", 20, delay=30))
        table = load_mooncake(path)
        assert table.arrival_us.tolist() == [0, -1, 2000] and table.think_us.tolist() == [0, 30_000, 0]
        assert "1 sessions begin with a delay, which is after an answer: left out" in table.notes

    def test_turns_that_come_by_their_delay_are_not_out_of_order(self, tmp_path):
        rows = [session("a", 0), session("a", None, delay=5), session("b", 9), session("b", None, delay=5)]
        table = load_mooncake(lines(tmp_path, *rows, session("c", 4)))
        assert "1 of 5 rows come before the row above: sorted by time" in table.notes


def chat_row(chat):
    """A row of Bailian's from (chat, parent, time)."""
    keys = ("chat_id", "parent_chat_id", "timestamp")
    return dict(zip(keys, chat, strict=True)) | {"turn": 1, "input_length": 9, "output_length": 1}


class TestBailian:
    def test_seconds_and_blocks_of_16(self, tmp_path):
        chat = {"parent_chat_id": -1, "type": "text", "turn": 1}
        rows = [
            {"chat_id": 1, "timestamp": 61.114, "input_length": 40, "output_length": 5, "hash_ids": [1, 2, 3], **chat},
            {"chat_id": 2, "timestamp": 62.5, "input_length": 37, "output_length": 5, "hash_ids": [1, 2, 4], **chat},
        ]
        path = tmp_path / "t.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        table = load_bailian(path)
        assert table.arrival_us.tolist() == [0, 1_386_000]
        assert ideal_hits(table, 16) == (2, 4)
        assert table.notes[0] == "the first request comes at 61.114 s: times count from there"

    def test_a_chat_comes_after_the_answer_to_its_parent(self, tmp_path):
        chats = [(1, -1, 0), (2, -1, 1), (3, 1, 60), (4, 1, 70), (5, 3, 90), (6, 99, 95)]
        table = load_bailian(lines(tmp_path, *map(chat_row, chats)))
        assert table.request_ids == tuple(f"request_{row}" for row in (0, 2, 3, 4, 1, 5))
        assert table.predecessor.tolist() == [-1, 0, 0, 1, -1, -1]
        assert table.think_us.tolist() == [0, 60_000_000, 70_000_000, 30_000_000, 0, 0]
        assert [table.session_names[code] for code in table.session] == ["chat_1"] * 4 + ["chat_2", "chat_6"]

    def test_parents_that_nobody_can_wait_for_are_counted(self, tmp_path):
        chats = [(1, -1, 0), (2, 2, 10), (3, 77, 20), (4, 5, 30), (5, 1, 40), (1, -1, 50), (6, 1, 60)]
        table = load_bailian(lines(tmp_path, *map(chat_row, chats)))
        assert table.notes[1:4] == (
            "1 of 7 chats have a parent that is not in the file: they begin conversations",
            "2 of 7 chats have a parent that comes no sooner than they do: they begin conversations",
            "1 of 7 chats have the chat_id of one before: a parent is the last one of its name",
        )
        assert table.closed and (table.predecessor >= 0).sum() == 2
