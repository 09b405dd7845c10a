from datetime import date

import numpy as np
import pytest

from blis.workload.read.lengths import load_azure, load_burstgpt, load_compact, load_splitwise
from tests.blis.workload.trace_files import (
    AZURE_CODE,
    AZURE_CONVERSATION,
    COMPACT,
    error_of,
    needs_samples,
    write_azure,
)

COMPACT_HEADER = "arrived_at,num_prefill_tokens,num_decode_tokens"
AZURE_ROW = "2023-11-16 18:17:03.9799600,10,5"
BURSTGPT_HEADER = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type"


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


class TestBurstGpt:
    def test_failed_requests_are_left_out_and_counted(self, tmp_path):
        path = tmp_path / "t.csv"
        rows = ["5,ChatGPT,472,18,490,Conversation log", "45,GPT-4,87,0,87,API log", "118.5,GPT-4,417,276,693,API log"]
        path.write_text("\n".join([BURSTGPT_HEADER, *rows]))
        table = load_burstgpt(path)
        assert table.arrival_us.tolist() == [0, 113_500_000]
        assert table.input_tokens.tolist() == [472, 417] and table.output_tokens.tolist() == [18, 276]
        assert [table.request_id(row) for row in (0, 1)] == ["request_0", "request_2"]
        assert table.notes[0] == "1 of 3 rows failed on the server (0 Response tokens): left out"

    def test_a_file_of_failures_is_refused(self, tmp_path):
        text = error_of(load_burstgpt, tmp_path / "t.csv", BURSTGPT_HEADER, "5,ChatGPT,472,0,472,API log")
        assert text == "all 1 rows failed on the server (0 Response tokens)"

    def test_rows_of_a_session_are_turns(self, tmp_path):
        path = tmp_path / "t.csv"
        header = "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type"
        rows = [
            "19440110.0,s,43,GPT-4,906,446,1352,Conversation log",
            "19440111.0,t,2,ChatGPT,36,29,65,Conversation log",
        ]
        rows += ["19440192.0,s,8,GPT-4,1779,123,1902,Conversation log", "19440200.0,,3,ChatGPT,935,178,1113,API log"]
        path.write_text("\n".join([header, *rows]))
        table = load_burstgpt(path)
        assert table.request_ids == ("request_0", "request_2", "request_1", "request_3")
        assert table.predecessor.tolist() == [-1, 0, -1, -1]
        assert table.think_us.tolist() == [0, (82 - 43) * 10**6, 0, 0]
        assert load_burstgpt(path, turns="arrivals").arrival_us.tolist() == [0, 10**6, 82 * 10**6, 90 * 10**6]


class TestSplitwise:
    def test_columns(self, tmp_path):
        path = tmp_path / "t.csv"
        header = "request_id,request_type,application_id,arrival_timestamp,batch_size,prompt_size,token_size"
        path.write_text(f"{header}\n0,2,0,1,1,4096,32\n1,2,0,3.5,1,2048,8\n")
        table = load_splitwise(path)
        assert table.arrival_us.tolist() == [0, 2_500_000]
        assert table.input_tokens.tolist() == [4096, 2048] and table.output_tokens.tolist() == [32, 8]
