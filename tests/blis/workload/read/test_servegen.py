import json

import pyarrow
import pytest

from blis.errors import InputError
from blis.workload.draw.servegen import ServeGenData
from blis.workload.read.servegen import client_files, is_servegen, read_servegen


def chunk(folder, number, rows, windows):
    folder.mkdir(exist_ok=True)
    (folder / f"chunk-{number}-trace.csv").write_text("\n".join(rows) + "\n")
    texts = {
        start: {"input_tokens": prompts, "output_tokens": outputs} for start, (prompts, outputs) in windows.items()
    }
    (folder / f"chunk-{number}-dataset.json").write_text(json.dumps(texts))


EARLY, LATE = ("{10: 0.5, 20: 0.5}", "{5: 1.0}"), ("{1000: 1e-1, 2000.7: .9,}", " { 7 : 1 } ")


@pytest.fixture
def folder(tmp_path):
    rows = ["start,rate,cv,pattern", "0,2.0,1.5,Gamma,1,2", "600,0,0,", "1200,8,2.0,Weibull", "1800,4,0,Gamma", "oops"]
    chunk(tmp_path / "data", 2, rows, {"600": LATE, "0": EARLY, "x": EARLY, "1200": ("", "")})
    chunk(tmp_path / "data", 10, ["0,1,1,"], {"0": EARLY})
    chunk(tmp_path / "data", 3, ["600,0,1,"], {})
    return tmp_path / "data"


def test_every_row_with_a_rate_is_a_segment(folder):
    """Ragged rows and a header are counted, idle ones left out; the last one is as long as the one before."""
    found = read_servegen(str(folder))
    assert found.skipped_rows == 2
    assert [one[:6] for one in found.segments] == [
        ("2", 0, 600, 2, "gamma", 1.5),
        ("2", 1200, 1800, 8, "weibull", 2),
        ("2", 1800, 2400, 4, "gamma", 0),
        ("10", 0, 600, 1, "", 1),
    ]


def test_lengths_are_those_of_the_window_that_holds_the_row(folder):
    """Windows sort as numbers, and one without lengths is none."""
    early, late, *_ = read_servegen(str(folder)).segments
    assert (early.input_bins, early.output_bins) == ({"10": 0.5, "20": 0.5}, {"5": 1})
    assert (late.input_bins, late.output_bins) == ({"1000": 0.1, "2000": 0.9}, {"7": 1})


def test_a_span_takes_the_rows_that_start_in_it(folder):
    starts = [(one.chunk, one.start_s, one.end_s) for one in read_servegen(str(folder), 600, 1500).segments]
    assert starts == [("2", 1200, 1500)]
    with pytest.raises(InputError, match="no client sends anything in that span"):
        read_servegen(str(folder), 600, 700)


def test_clients_come_in_the_order_of_their_numbers(folder):
    assert [client.chunk for client in client_files(str(folder))] == ["2", "3", "10"]


@pytest.mark.parametrize(
    ("rows", "windows", "problem"),
    [
        (["0,1,1,"], {"600": EARLY}, "no lengths for the window of 0 s"),
        (["0,1,1,"], {"0": ("{}", "{5: 1}")}, "an empty dictionary of lengths"),
        (["0,1,1,"], {"0": ("__import__('os')", "{5: 1}")}, "not a dictionary of lengths"),
        (["header"], {"0": EARLY}, "no row of start, rate, cv and pattern"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, rows, windows, problem):
    chunk(tmp_path, 1, rows, windows)
    with pytest.raises(InputError, match=rf"chunk-1-\w+\.\w+: {problem}"):
        read_servegen(str(tmp_path))


def test_a_folder_without_traces_is_named(tmp_path):
    with pytest.raises(InputError, match=r"no chunk-<id>-trace\.csv"):
        read_servegen(str(tmp_path))


@pytest.mark.parametrize(("gone", "left"), [("trace.csv", "dataset.json"), ("dataset.json", "trace.csv")])
@pytest.mark.parametrize("number", [10, 3])  # one that sends and one that does not
def test_a_client_with_one_of_its_files_is_refused(folder, gone, left, number):
    (folder / f"chunk-{number}-{gone}").unlink()
    with pytest.raises(InputError, match=f"chunk-{number}-{left}: chunk-{number}-{gone} is missing beside it"):
        read_servegen(str(folder))


@pytest.mark.parametrize(("codec", "ending"), [("gzip", ".gz"), ("zstd", ".zst")])
def test_files_may_be_packed(folder, codec, ending):
    plain, digest = read_servegen(str(folder)), ServeGenData(str(folder)).digest
    for file in list(folder.iterdir()):
        file.with_name(file.name + ending).write_bytes(pyarrow.compress(file.read_bytes(), codec=codec, asbytes=True))
        file.unlink()
    assert read_servegen(str(folder)) == plain and is_servegen(folder)
    assert ServeGenData(str(folder)).digest == digest


def test_a_file_that_is_there_twice_is_refused(folder):
    (folder / "chunk-2-trace.csv.gz").write_bytes(b"")
    with pytest.raises(InputError, match=r"chunk-2-trace.csv.gz: chunk-2-trace.csv beside it says the same of chunk 2"):
        read_servegen(str(folder))
