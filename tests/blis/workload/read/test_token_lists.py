import pytest

from blis.errors import InputError
from blis.workload.content.reuse import ideal_hits
from blis.workload.read.token_lists import is_token_lists, load_token_lists

HEADER = "arrival,id,model,prompt,output"


def write(tmp_path, *lines):
    path = tmp_path / "trace.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_rows_are_sorted_and_keep_their_numbers(tmp_path):
    path = write(
        tmp_path,
        HEADER,
        '0.002,a,m,"[1, 2, 3, 4, 5]","[900, 901]"',
        '0.0000004999,b,m,"[1,2,3,4,9]",null',
        "",
        '2e-3,c,m,"[7]",[]',
    )
    table = load_token_lists(path)
    assert table.request_ids == ("request_1", "request_0", "request_2")
    assert table.arrival_us.tolist() == [0, 2000, 2000]
    assert table.input_tokens.tolist() == [5, 5, 1]
    assert table.output_tokens.tolist() == [0, 2, 0]
    assert ideal_hits(table, 4)[0] == 1
    assert is_token_lists(path)


def test_a_cell_may_be_long_and_more_columns_are_left_aside(tmp_path):
    tokens = str(list(range(40_000)))
    path = write(tmp_path, HEADER + ",more", f'1,a,m,"{tokens}","[1]",x')
    assert load_token_lists(path).input_tokens.tolist() == [40_000]


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ([], "empty file; a header of at least 5 columns"),
        (["a,b,c"], "line 1: a header of at least 5 columns"),
        ([HEADER], "no requests after the header"),
        ([HEADER, "1,a,m,[1]"], "line 2: 4 columns, but the header has 5"),
        ([HEADER, "x,a,m,[1],[]"], "line 2: column 1: 'x' is not a time in s >= 0"),
        ([HEADER, "-1,a,m,[1],[]"], "'-1' is not a time in s >= 0"),
        ([HEADER, "nan,a,m,[1],[]"], "'nan' is not a time in s >= 0"),
        ([HEADER, "1e300,a,m,[1],[]"], "'1e300' is not a time in s >= 0"),
        ([HEADER, "1,a,m,[],[1]"], "line 2: column 4: a prompt needs at least one token"),
        ([HEADER, "1,a,m,[1.5],[1]"], "column 4: '[1.5]' is not a JSON list of tokens"),
        ([HEADER, "1,a,m,[true],[1]"], "column 4: '[true]' is not"),
        ([HEADER, "1,a,m,[1],{}"], "column 5: '{}' is not"),
        ([HEADER, "1,a,m,[1],[-1]"], "column 5: '[-1]' is not"),
        ([HEADER, "1,a,m,[1],[99999999999999999999]"], "column 5:"),
        ([HEADER, "1,a,m," + "[" * 50 + ",[1]"], "column 4:"),
    ],
)
def test_mistakes_name_file_line_and_column(tmp_path, lines, problem):
    path = write(tmp_path, *lines)
    with pytest.raises(InputError) as caught:
        load_token_lists(path)
    assert str(caught.value).startswith(f"{path}: ") and problem in str(caught.value)


def test_other_files_are_not_taken_for_it(tmp_path):
    assert not is_token_lists(write(tmp_path, "a,b", "1,2"))
    assert not is_token_lists(write(tmp_path, "arrived_at,num_prefill_tokens,num_decode_tokens,x,y", "0,5,5,1,2"))
    assert not is_token_lists(tmp_path / "nothing.csv")
