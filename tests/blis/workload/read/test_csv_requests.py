import numpy as np
import pytest

from blis.errors import InputError
from blis.tables.placement import Placement
from blis.workload.assemble import default_uniform
from blis.workload.read.csv_requests import load_requests
from blis.workload.read.traces import TraceSpec, load_trace

HEADER = "request_id,arrival_us,input_tokens,output_tokens,prefix_group,prefix_tokens,slo_class,tenant_id"
GOOD = ["a,0,100,5,sys,64,batch,t1", "b,10,64,5,sys,64,,t2", "c,10,30,0,,0,critical,t1"]


def write(tmp_path, *lines):
    path = tmp_path / "requests.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def error_of(tmp_path, *lines):
    path = write(tmp_path, *lines)
    with pytest.raises(InputError) as info:
        load_requests(path)
    text = str(info.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    return text.removeprefix(f"{path}: ")


def test_all_columns_arrive(tmp_path):
    table = load_requests(write(tmp_path, HEADER, *GOOD))
    assert table.request_ids == ("a", "b", "c")
    assert table.arrival_us.tolist() == [0, 10, 10]
    assert table.input_tokens.tolist() == [100, 64, 30]
    assert table.output_tokens.tolist() == [5, 5, 0]
    assert [table.slo_names[i] for i in table.slo_class] == ["batch", "", "critical"]
    assert [table.tenant_names[i] for i in table.tenant] == ["t1", "t2", "t1"]
    assert table.session.tolist() == [-1, -1, -1]
    np.testing.assert_array_equal(table.uniform, default_uniform(3))


def test_a_group_shares_its_prefix_and_nothing_else(tmp_path):
    table = load_requests(write(tmp_path, HEADER, *GOOD))
    assert table.path_node.tolist() == [0, 1, 0, 2, 3]
    assert table.path_end_token.tolist() == [64, 105, 64, 69, 30]


def test_labels_say_where_a_request_runs(tmp_path):
    path = write(
        tmp_path,
        HEADER + ",requires,avoids",
        GOOD[0] + ",gpu=H100; region=eu,",
        GOOD[1] + ",,lora=a=b",
        GOOD[2] + ",gpu=H100; region=eu,",
    )
    table = load_requests(path)
    assert table.placement.tolist() == [0, 1, 0]
    assert table.placements[0] == Placement({"gpu": "H100", "region": "eu"})
    assert table.placements[1] == Placement(avoids={"lora": "a=b"})


def test_adapters_are_named_and_share_nothing(tmp_path):
    lines = [GOOD[0] + ",law", GOOD[1] + ",", GOOD[1].replace("b,", "x,") + ",law", GOOD[2] + ",sql"]
    table = load_requests(write(tmp_path, HEADER + ",adapter", *lines))
    assert table.adapter_names == ("law", "sql") and table.adapter.tolist() == [0, -1, 0, 1]
    first = table.path_node[table.path_offset[:-1]].tolist()
    assert first[0] == first[2] != first[1]
    empty = load_requests(write(tmp_path, HEADER + ",adapter", *(line + "," for line in GOOD)))
    assert empty.adapter is None and empty.adapter_names == ()


def test_without_a_label_there_is_no_column(tmp_path):
    for lines in ((HEADER, *GOOD), (HEADER + ",prefers", *(line + "," for line in GOOD))):
        table = load_requests(write(tmp_path, *lines))
        assert table.placement is None and table.placements == (Placement(),)


@pytest.mark.parametrize(
    ("cell", "problem"),
    [("gpu", "must be labels like"), ("gpu=", "must be"), ("=a", "must be"), ("a=b;", "must be"), ("a=b;a=c", "twice")],
)
def test_wrong_labels_are_named(tmp_path, cell, problem):
    assert f"line 2: column prefers: {cell!r}" in error_of(tmp_path, HEADER + ",prefers", GOOD[0] + "," + cell)
    assert problem in error_of(tmp_path, HEADER + ",prefers", GOOD[0] + "," + cell)


def test_column_order_is_free_and_optional_columns_are_read(tmp_path):
    path = write(
        tmp_path,
        "uniform,session_id,round," + ",".join(reversed(HEADER.split(","))),
        "0.25,s,1,t1,batch,0,,5,100,0,a",
        "0,,,t1,batch,0,,5,100,7,b",
    )
    table = load_requests(path)
    assert table.uniform.tolist() == [0.25, 0]
    assert table.session.tolist() == [0, -1]
    assert table.session_names == ("s",)
    assert table.round.tolist() == [1, 0]
    assert table.arrival_us.tolist() == [0, 7]


def test_windows_line_ends_a_byte_order_mark_and_blank_lines_do_no_harm(tmp_path):
    path = tmp_path / "requests.csv"
    path.write_bytes(("\ufeff" + "\r\n".join([HEADER, *GOOD, "", ""])).encode())
    assert len(load_requests(path)) == 3


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("b,x,64,5,,0,,", "column arrival_us: 'x' is not a whole number"),
        ("b,1.5,64,5,,0,,", "column arrival_us: '1.5' is not a whole number"),
        ("b,1_0,64,5,,0,,", "column arrival_us: '1_0' is not a whole number"),
        ("b,+3,64,5,,0,,", "column arrival_us: '+3' is not a whole number"),
        ("b, 3,64,5,,0,,", "column arrival_us: ' 3' is not a whole number"),
        ("b,٣,64,5,,0,,", "column arrival_us: '٣' is not a whole number"),
        (f"b,{'9' * 5000},64,5,,0,,", f"column arrival_us: '{'9' * 36}... is not a whole number"),
        ("b,nan,64,5,,0,,", "column arrival_us: 'nan' is not a whole number"),
        ("b,,64,5,,0,,", "column arrival_us: '' is not a whole number"),
        ("b,-1,64,5,,0,,", "column arrival_us: '-1' must be >= 0"),
        (f"b,{2**63},64,5,,0,,", f"column arrival_us: '{2**63}' must be <= {2**62}"),
        ("b,3,0,5,,0,,", "column input_tokens: '0' must be >= 1"),
        ("b,3,64,-5,,0,,", "column output_tokens: '-5' must be >= 0"),
        ("b,3,64,5,g,-1,,", "column prefix_tokens: '-1' must be >= 0"),
        ("b,3,64,5,g,65,,", "column prefix_tokens: '65' is more than input_tokens 64"),
        ("b,3,64,5,,10,,", "column prefix_tokens: '10' needs a prefix_group"),
        ("b,1,64,5,,0,,", "column arrival_us: '1' is less than 2 before it"),
        ("a,3,64,5,,0,,", "column request_id: 'a' is already in line 2"),
        (",3,64,5,,0,,", "column request_id: '' must not be empty"),
        ("b,3,64,5,,0,", "7 columns, but the header has 8"),
        ('b,3,64,5,,0,,"x', "unexpected end of data"),
    ],
)
def test_a_bad_row_is_named_by_line_and_column(tmp_path, row, problem):
    assert error_of(tmp_path, HEADER, "a,2,64,5,,0,,", row) == f"line 3: {problem}"


@pytest.mark.parametrize("value", ["1", "-0.1", "nan"])
def test_uniform_is_in_its_range(tmp_path, value):
    problem = error_of(tmp_path, HEADER + ",uniform", f"a,2,64,5,,0,,,{value}")
    assert problem == f"line 2: column uniform: '{value}' must be a number in [0, 1)"


def test_uniform_is_a_number(tmp_path):
    assert error_of(tmp_path, HEADER + ",uniform", "a,2,64,5,,0,,,x") == "line 2: column uniform: 'x' is not a number"


def test_lines_are_those_of_the_file(tmp_path):
    problem = error_of(tmp_path, HEADER, 'a,2,64,5,"two\nlines",0,,', "", "b,x,64,5,,0,,")
    assert problem.startswith("line 5: column arrival_us")


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (["", HEADER], "empty file"),
        ([HEADER], "no requests after the header"),
        ([HEADER.replace("tenant_id", "tenant")], "unknown column 'tenant' (did you mean 'tenant_id'?)"),
        ([HEADER.replace(",tenant_id", "")], "line 1: column 'tenant_id' is missing"),
        ([HEADER + ",tenant_id"], "line 1: column 'tenant_id' is given twice"),
    ],
)
def test_a_bad_file_says_what_is_missing(tmp_path, lines, problem):
    assert problem in error_of(tmp_path, *lines)


def test_a_file_without_bytes_is_an_empty_file(tmp_path):
    (tmp_path / "r.csv").write_bytes(b"")
    with pytest.raises(InputError, match="empty file"):
        load_requests(tmp_path / "r.csv")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"missing\.csv"):
        load_requests(tmp_path / "missing.csv")


class TestSessions:
    """Rows that share a session come when they say, which is said, or wait for answers if that is asked for."""

    TALK = ("a,0,10,1,,0,,,s", "b,5,10,1,,0,,,", "c,2000,20,1,,0,,,s", "d,7000,30,1,,0,,,s")

    def talk(self, folder):
        path = folder / "r.csv"
        path.write_text("\n".join([f"{HEADER},session_id", *self.TALK]) + "\n")
        return path

    def test_they_come_when_they_say(self, tmp_path):
        table = load_requests(self.talk(tmp_path))
        assert table.arrival_us.tolist() == [0, 5, 2000, 7000] and not table.closed
        assert table.notes == (
            "2 rows go on with a session and come when they say; `turns: closed` has them wait for answers",
        )

    def test_they_wait_if_that_is_said(self, tmp_path):
        table = load_trace(TraceSpec(str(self.talk(tmp_path)), turns="closed"))
        assert table.request_ids == ("a", "c", "d", "b")
        assert table.predecessor.tolist() == [-1, 0, 1, -1] and table.think_us.tolist() == [0, 2000, 5000, 0]
        assert len(table.notes) == 2

    def test_a_session_of_one_row_is_no_conversation(self, tmp_path):
        path = tmp_path / "r.csv"
        path.write_text(f"{HEADER},session_id\na,0,10,1,,0,,,s\nb,0,10,1,,0,,,t\n")
        assert load_requests(path).notes == ()
