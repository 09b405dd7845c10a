import numpy as np
import pyarrow
import pytest

from blis.errors import InputError
from blis.workload.read.clock import TIME_UNITS
from blis.workload.read.trace_formats import FORMATS, detect_format
from blis.workload.recorded.read import JSON_LOGS
from tests.blis.workload.recorded.logs import trace
from tests.blis.workload.trace_files import error_of, mooncake_row

COMPACT_HEADER = "arrived_at,num_prefill_tokens,num_decode_tokens"
SESSION = (
    '{"id": "s", "block_size": 64, "hash_id_scope": "local", "tool_tokens": 9, "requests": ['
    '{"t": 0, "in": 64, "out": 1, "hash_ids": [1], "api_time": 1, "think_time": 0}]}'
)
CHAT = '{"chat_id": 1, "parent_chat_id": -1, "turn": 1, "type": "text", '
REQUESTS_HEADER = "request_id,arrival_us,input_tokens,output_tokens,prefix_group,prefix_tokens,slo_class,tenant_id"
AZURE_ROW = "2023-11-16 18:17:03.9799600,10,5"
BURSTGPT_HEADER = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type"
SPLITWISE_HEADER = "request_id,request_type,application_id,arrival_timestamp,batch_size,prompt_size,token_size"
FIRST_LINES = [
    ("mooncake", [mooncake_row(0, 1, 1, [1])]),
    ("mooncake", ['{"timestamp": 0, "input_length": 1, "output_length": 1}']),
    ("bailian", [CHAT + mooncake_row(0, 1, 1, [1])[1:]]),
    ("agentic", [SESSION]),
    ("dynamo", ['{"created_time": 0, "input_tokens": 1, "output_tokens": 1, "hash_ids": [1]}']),
    ("azure", ["TIMESTAMP,ContextTokens,GeneratedTokens", AZURE_ROW]),
    ("compact", [COMPACT_HEADER, "0,1,1"]),
    ("burstgpt", [BURSTGPT_HEADER, "5,ChatGPT,472,18,490,Conversation log"]),
    ("splitwise", [SPLITWISE_HEADER, "0,2,0,1,1,4096,32"]),
    ("requests", [REQUESTS_HEADER, "a,0,1,1,,0,,"]),
    ("token-lists", ["arrived,p,d,prompt,output", "0,1,1,[1],[2]"]),
]


HASHED = '"timestamp": {}, "input_length": 9, "output_length": 1, "hash_ids": [{}]}}'

#: What writes a row, the time's place left open, and the unit that the format has.
TIMED = {
    "mooncake": ("", "{{" + HASHED, "ms"),
    "bailian": ("", CHAT.replace("{", "{{") + HASHED, "s"),
    "dynamo": ("", '{{"created_time": {}, "input_tokens": 9, "output_tokens": 1, "hash_ids": [{}]}}', "ms"),
    "compact": (COMPACT_HEADER, "{},9,1", "s"),
    "burstgpt": (BURSTGPT_HEADER, "{},ChatGPT,9,1,10,Conversation log", "s"),
    "token-lists": ("arrived,p,d,prompt,output", "{},9,1,[1],[2]", "s"),
    "splitwise": (SPLITWISE_HEADER, "{1},2,0,{0},1,9,1", "s"),
}  # fmt: skip


class TestUnits:
    """A file that is in another unit than its format's stops, however its requests come; its user may say it is not."""

    @pytest.mark.parametrize("name", TIMED)
    @pytest.mark.parametrize("per_s", [0.6, 3, 90])
    @pytest.mark.parametrize("together", [1, 9])
    @pytest.mark.parametrize("factor", [1, 1000, 10**6, 0.001])
    def test_what_looks_1000_times_too_fast_or_slow_stops(self, tmp_path, name, per_s, together, factor):
        header, row, unit = TIMED[name]
        us = np.rint(np.arange(900) // together * together / per_s * 1e6).astype(int).tolist()
        ticks = [time * factor / TIME_UNITS[unit] for time in us]
        times = [f"{time:.6f}" if factor < 1 or unit == "s" else round(time) for time in ticks]
        path = tmp_path / "t"
        path.write_text("\n".join(filter(None, [header, *(row.format(time, i) for i, time in enumerate(times))])))
        assert detect_format(path) == name
        parse = FORMATS[name].parse
        if factor == 1:
            assert parse(path).arrival_us.tolist() == pytest.approx(us, abs=500)
            return
        place = list(TIME_UNITS).index(unit) + {1000: 1, 10**6: 2, 0.001: -1}[factor]
        meant = [*TIME_UNITS, ""][place]  # above seconds there is none
        with pytest.raises(InputError, match=f"time_unit={meant}, else" if meant else "if so, say time_unit=s"):
            parse(path)
        for said in filter(None, (meant, unit)):
            scale = TIME_UNITS[said] * factor / TIME_UNITS[unit]
            assert parse(path, time_unit=said).arrival_us[-1] == pytest.approx(us[-1] * scale, rel=1e-3)

    def test_every_format_that_leaves_its_unit_open_is_tried(self):
        assert set(TIMED) == {name for name, known in FORMATS.items() if "time_unit" in known.takes}


class TestDetection:
    @pytest.mark.parametrize(
        ("name", "lines"),
        FIRST_LINES,
    )
    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    def test_the_first_line_tells_the_format(self, tmp_path, name, lines, end):
        path = tmp_path / "t"
        above = [""] if lines[0].startswith("{") else []
        path.write_bytes(end.join([*above, *lines, ""]).encode())
        assert detect_format(path) == name
        assert len(FORMATS[name].parse(path)) == 1

    @pytest.mark.parametrize(("name", "lines"), FIRST_LINES)
    @pytest.mark.parametrize("codec", ["gzip", "zstd"])
    def test_files_may_be_packed(self, tmp_path, name, lines, codec):
        plain, packed = tmp_path / "plain", tmp_path / "packed"
        plain.write_text("\n".join([*lines, ""]))
        packed.write_bytes(pyarrow.compress(plain.read_bytes(), codec=codec, asbytes=True))
        assert detect_format(packed) == name
        one, other = (FORMATS[name].parse(path) for path in (plain, packed))
        assert one.request_ids == other.request_ids and one.notes == other.notes
        assert one.input_tokens.tolist() == other.input_tokens.tolist()

    @pytest.mark.parametrize(("codec", "ending"), [("gzip", ".gz"), ("zstd", ".zst")])
    def test_sessions_of_a_folder_may_be_packed(self, tmp_path, codec, ending):
        for name in "ba":
            text = SESSION.replace('"id": "s"', f'"id": "{name}"')
            packed = pyarrow.compress(text.encode(), codec=codec, asbytes=True)
            (tmp_path / f"{name}.json{ending}").write_bytes(packed)
        assert detect_format(tmp_path) == "agentic"
        assert FORMATS["agentic"].parse(tmp_path).request_ids == ("a/0", "b/0")

    @pytest.mark.parametrize(("codec", "ending"), [("gzip", ".gz"), ("zstd", ".zst")])
    def test_both_files_of_a_trace_v2_may_be_packed(self, tmp_path, codec, ending):
        rows = trace(tmp_path, {"request_id": 1}, {"request_id": 2})
        plain = FORMATS["trace-v2"].parse(rows)
        for file in (rows, rows.with_suffix(".yaml")):
            file.with_name(file.name + ending).write_bytes(
                pyarrow.compress(file.read_bytes(), codec=codec, asbytes=True)
            )
            file.unlink()
        path = rows.with_name(rows.name + ending)
        assert detect_format(path) == "trace-v2"
        assert FORMATS["trace-v2"].parse(path).request_ids == plain.request_ids

    def test_every_format_is_tried_here(self):
        assert set(FORMATS) == {name for name, _ in FIRST_LINES} | set(JSON_LOGS) | {"trace-v2"}

    @pytest.mark.parametrize(
        "line", ['{"prompt": 1}', "a,b,c", "0,0.25,2.1,Gamma", "request_id,request_type,batch_size"]
    )
    def test_a_file_of_another_kind_is_refused_with_the_known_ones(self, tmp_path, line):
        text = error_of(detect_format, tmp_path / "t", line)
        assert text.startswith(f"line 1: {line!r} is of no known format (mooncake, bailian, ")

    @pytest.mark.parametrize(
        "load", [detect_format, *(known.parse for name, known in FORMATS.items() if name != "trace-v2")]
    )
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
