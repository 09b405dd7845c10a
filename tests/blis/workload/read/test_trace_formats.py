import itertools
from datetime import date

import numpy as np
import pytest

from blis.errors import InputError
from blis.workload.content.reuse import seen_tokens
from blis.workload.read.trace_formats import FORMATS, detect_format, load_azure, load_compact, load_mooncake
from tests.blis.workload.trace_files import (
    AZURE_CODE,
    AZURE_CONVERSATION,
    COMPACT,
    MOONCAKE_CONVERSATION,
    MOONCAKE_SYNTHETIC,
    mooncake_row,
    needs_samples,
    random_mooncake_rows,
    write_azure,
    write_mooncake,
)

COMPACT_HEADER = "arrived_at,num_prefill_tokens,num_decode_tokens"
REQUESTS_HEADER = "request_id,arrival_us,input_tokens,output_tokens,prefix_group,prefix_tokens,slo_class,tenant_id"
AZURE_ROW = "2023-11-16 18:17:03.9799600,10,5"


def error_of(load, path, *lines):
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError) as info:
        load(path)
    text = str(info.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    return text.removeprefix(f"{path}: ")


def block_of(table, row, block, size):
    """(node, block index): what makes two KV blocks equal."""
    part = slice(table.path_offset[row], table.path_offset[row + 1])
    return int(table.path_node[part][np.searchsorted(table.path_end_token[part], (block + 1) * size)]), block


class TestMooncake:
    def test_columns(self, tmp_path):
        rows = [(0, 600, 5, [7, 8]), (27.5, 512, 0, [9]), (27.5, 1, 3, [9])]
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
            (4, 1100, 5, [1, 2, 3]),  # and a part of its last block
        ]
        assert seen_tokens(load_mooncake(write_mooncake(tmp_path / "t.jsonl", rows))).tolist() == [
            0,
            1024,
            0,
            1300,
            1100,
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
            (mooncake_row(4, 512, 1, [1]), "column timestamp: 4 is less than 5 before it"),
            (mooncake_row(float("nan"), 512, 1, [1]), "not valid JSON: NaN is no number in JSON"),
            (mooncake_row("6", 512, 1, [1]), "column timestamp: '6' is not a time in ms >= 0"),
            (mooncake_row(6, 0, 1, []), "column input_length: 0 is not a whole number in [1, 1000000000]"),
            (mooncake_row(6, 1.5, 1, [1]), "column input_length: 1.5 is not a whole number in [1, 1000000000]"),
            (mooncake_row(6, True, 1, [1]), "column input_length: True is not a whole number in [1, 1000000000]"),
            (mooncake_row(6, 512, -1, [1]), "column output_length: -1 is not a whole number in [0, 1000000000]"),
            (mooncake_row(6, 512, None, [1]), "column output_length: None is not a whole number in [0, 1000000000]"),
            (mooncake_row(6, 513, 1, [1]), "column hash_ids: [1] has 1 ids, but 513 tokens start 2 blocks of 512"),
            (mooncake_row(6, 512, 1, [1, 2]), "column hash_ids: [1, 2] has 2 ids, but 512 tokens start 1 blocks of"),
            (mooncake_row(6, 512, 1, ["1"]), "column hash_ids: ['1'] is not a list of whole numbers"),
            (mooncake_row(6, 512, 1, 1), "column hash_ids: 1 is not a list of whole numbers"),
            (mooncake_row(6, 512, 1, [1])[:-3], "not valid JSON: "),
            (
                mooncake_row(6, 512, 1, [1])[:-1] + ', "output_length": 2}',
                "not valid JSON: duplicate key 'output_length'",
            ),
            (mooncake_row(6, 655, 1, [1] * 41), "column hash_ids: [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, ... has 41 ids"),
            ("[]", "a JSON object is expected, got '[]'"),
            ('{"timestamp": 6, "input_length": 1, "output_length": 1, "hash_id": [1]}', "key 'hash_ids' is missing"),
        ],
    )
    def test_a_bad_line_is_named(self, tmp_path, row, problem):
        text = error_of(load_mooncake, tmp_path / "t.jsonl", mooncake_row(5, 5, 5, [5]), "", row)
        assert text.startswith(f"line 3: {problem}")

    def test_a_missing_key_names_what_may_have_been_meant(self, tmp_path):
        text = error_of(load_mooncake, tmp_path / "t.jsonl", '{"timestamp": 6, "input_len": 1}')
        assert text == "line 1: keys 'input_length' (is it 'input_len'?), 'output_length', 'hash_ids' are missing"

    @pytest.mark.parametrize("times", [[0, 0.37], [0.0, 1000.5, 2000], [i // 3 for i in range(30)]])
    def test_milliseconds_that_look_like_seconds_are_refused_unless_said(self, tmp_path, times):
        path = write_mooncake(tmp_path / "t.jsonl", [(time, 5, 5, [i]) for i, time in enumerate(times)])
        with pytest.raises(InputError, match=r"t.jsonl: .* are they seconds.* time_unit=s, else time_unit=ms"):
            load_mooncake(path)
        assert load_mooncake(path, "ms").arrival_us.tolist() == [round(time * 1000) for time in times]
        assert load_mooncake(path, "s").arrival_us.tolist() == [round(time * 1e6) for time in times]

    @pytest.mark.parametrize("times", [[0] * 30, [i // 4 for i in range(10)], [*range(30)]])
    def test_bursts_and_short_files_are_not_doubted(self, tmp_path, times):
        path = write_mooncake(tmp_path / "t.jsonl", [(time, 5, 5, [i]) for i, time in enumerate(times)])
        assert load_mooncake(path).arrival_us.tolist() == [1000 * time for time in times]

    def test_a_file_of_12000_rows_shares_what_it_repeats(self, tmp_path):
        rows = [(i, 25 * 512, 100, [i % 50, *range(100 + 24 * i, 124 + 24 * i)]) for i in range(12_000)]
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


class TestAzure:
    def test_columns(self, tmp_path):
        rows = [
            "2023-11-16 23:59:59.9799600,4808,10",
            "2023-11-16 23:59:59.9799604,4808,10",
            "2023-11-17 00:00:00.0319605,3180,0",
            "9999-12-31 00:00:00,3180,0",
        ]
        table = load_azure(write_azure(tmp_path / "t.csv", [*rows, ""]))
        assert table.arrival_us[:3].tolist() == [0, 0, 52001]  # 100 ns are rounded to µs, halves up
        midnights = (date(9999, 12, 31) - date(2023, 11, 16)).days
        assert table.arrival_us[3] == midnights * 86_400_000_000 - 86_399_979_960
        assert table.input_tokens.tolist() == [4808, 4808, 3180, 3180]
        assert table.output_tokens.tolist() == [10, 10, 0, 0]
        assert table.tree.n_shared == 0

    def test_a_time_may_have_fewer_digits(self, tmp_path):
        times = ("03", "03.5", "03.52", "03.5200001", "04.0")
        table = load_azure(write_azure(tmp_path / "t.csv", [f"2023-11-16 18:17:{time},1,1" for time in times]))
        assert table.arrival_us.tolist() == [0, 500_000, 520_000, 520_000, 1_000_000]

    @pytest.mark.parametrize(
        ("row", "problem"),
        [
            (
                "2023-11-16 18:17:03,1,1",
                "TIMESTAMP: '2023-11-16 18:17:03' is less than 2023-11-16 18:17:03.9799600",
            ),
            ("2023-13-16 18:17:03.9,1,1", "TIMESTAMP: '2023-13-16 18:17:03.9' is not a time like"),
            ("nan,1,1", "TIMESTAMP: 'nan' is not a time like 2023-11-16 18:17:03.9799600"),
            ("2023-11-16 18:17:04,0,1", "ContextTokens: '0' must be >= 1"),
            ("2023-11-16 18:17:04,1,-1", "GeneratedTokens: '-1' must be >= 0"),
            ("2023-11-16 18:17:04,1,nan", "GeneratedTokens: 'nan' is not a whole number"),
        ],
    )
    def test_a_bad_row_is_named(self, tmp_path, row, problem):
        text = error_of(load_azure, tmp_path / "t.csv", "TIMESTAMP,ContextTokens,GeneratedTokens", AZURE_ROW, row)
        assert text.startswith(f"line 3: column {problem}")

    def test_a_file_of_20000_rows_loses_none(self, tmp_path):
        rows = [f"2023-11-16 {i // 3600:02}:{i // 60 % 60:02}:{i % 60:02}.1234560,2048,28" for i in range(20_000)]
        path = write_azure(tmp_path / "t.csv", rows)
        assert len(load_azure(path)) == 20_000

    @needs_samples
    @pytest.mark.parametrize(
        ("path", "n", "inputs", "outputs"), [(AZURE_CODE, 8819, 2048, 27.9), (AZURE_CONVERSATION, 19366, 1155, 211)]
    )
    def test_the_samples_have_the_published_means(self, path, n, inputs, outputs):
        table = load_azure(path)
        assert len(table) == n
        assert table.input_tokens.mean() == pytest.approx(inputs, abs=0.5)
        assert table.output_tokens.mean() == pytest.approx(outputs, abs=0.2)
        assert table.arrival_us[-1] / 60e6 == pytest.approx(57, abs=2)


class TestCompact:
    def test_columns(self, tmp_path):
        path = tmp_path / "t.csv"
        path.write_text(f"{COMPACT_HEADER},note\n0.0,374,44,x\n4.314579,396,109,y\n")
        table = load_compact(path)
        assert table.arrival_us.tolist() == [0, 4314579]
        assert load_compact(path, "ms").arrival_us.tolist() == [0, 4315]
        assert table.input_tokens.tolist() == [374, 396]
        assert table.output_tokens.tolist() == [44, 109]

    @pytest.mark.parametrize(
        ("row", "problem"),
        [
            ("0.5,1,1", "arrived_at: '0.5' is less than 1.5 before it"),
            ("-1,1,1", "arrived_at: '-1' must be a time in s >= 0"),
            ("nan,1,1", "arrived_at: 'nan' must be a time in s >= 0"),
            ("x,1,1", "arrived_at: 'x' is not a number"),
            ("1_0,1,1", "arrived_at: '1_0' is not a number"),
            ("2,0,1", "num_prefill_tokens: '0' must be >= 1"),
        ],
    )
    def test_a_bad_row_is_named(self, tmp_path, row, problem):
        text = error_of(load_compact, tmp_path / "t.csv", COMPACT_HEADER, "1.5,1,1", row)
        assert text == f"line 3: column {problem}"

    @needs_samples
    def test_the_sample_is_the_azure_trace_with_times_from_zero(self):
        compact, azure = load_compact(COMPACT), load_azure(AZURE_CONVERSATION)
        assert len(compact) == 3000
        np.testing.assert_array_equal(compact.input_tokens, azure.input_tokens[:3000])
        assert np.abs(compact.arrival_us - azure.arrival_us[:3000]).max() <= 1


class TestDetection:
    @pytest.mark.parametrize(
        ("name", "lines"),
        [
            ("mooncake", [mooncake_row(0, 1, 1, [1])]),
            ("azure", ["TIMESTAMP,ContextTokens,GeneratedTokens", AZURE_ROW]),
            ("compact", [COMPACT_HEADER, "0,1,1"]),
            ("requests", [REQUESTS_HEADER, "a,0,1,1,,0,,"]),
            ("token-lists", ["arrived,p,d,prompt,output", "0,1,1,[1],[2]"]),
        ],
    )
    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    def test_the_first_line_tells_the_format(self, tmp_path, name, lines, end):
        path = tmp_path / "t"
        path.write_bytes(end.join(["", *lines, ""]).encode() if name == "mooncake" else end.join([*lines, ""]).encode())
        assert detect_format(path) == name
        assert len(FORMATS[name].parse(path)) == 1

    def test_every_format_is_tried_here(self):
        assert set(FORMATS) == {"mooncake", "azure", "compact", "requests", "token-lists"}

    @pytest.mark.parametrize(
        "line", ['{"prompt": 1}', "a,b,c", "0,0.25,2.1,Gamma", "request_id,request_type,batch_size"]
    )
    def test_a_file_of_another_kind_is_refused_with_the_known_ones(self, tmp_path, line):
        text = error_of(detect_format, tmp_path / "t", line)
        assert text.startswith(f"line 1: {line!r} is of no known format (mooncake: timestamp,")

    @pytest.mark.parametrize("load", [detect_format, *(known.parse for known in FORMATS.values())])
    def test_an_empty_file_is_refused(self, tmp_path, load):
        assert error_of(load, tmp_path / "t", "").startswith("empty file")

    @pytest.mark.parametrize(
        ("header", "problem"),
        [
            ("TimeStamp,ContextTokens,GeneratedTokens", "column 'TIMESTAMP' is missing (is it 'TimeStamp'?)"),
            ("TIMESTAMP,ContextTokens,Generated", "column 'GeneratedTokens' is missing (is it 'Generated'?)"),
            ("num_prefill_tokens,num_decode_tokens,pd_ratio", "column 'arrived_at' is missing"),
        ],
    )
    def test_a_missing_column_names_what_may_have_been_meant(self, tmp_path, header, problem):
        path = tmp_path / "t"
        path.write_text(f"{header}\n1,1,1\n")
        assert error_of(FORMATS[detect_format(path)].parse, path, header, "1,1,1") == f"line 1: {problem}"
