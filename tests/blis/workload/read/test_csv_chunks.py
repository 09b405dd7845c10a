from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from blis.errors import InputError
from blis.workload.draw.generate import generate
from blis.workload.draw.spec import load_spec
from blis.workload.read.csv_chunks import requests_in_chunks
from blis.workload.read.csv_requests import COLUMNS, load_requests
from blis.workload.write.requests import save_requests
from tests.places import ROOT

HEADER = ",".join(COLUMNS)
TABLE = ("arrival_us", "input_tokens", "output_tokens", "uniform", "slo_class", "tenant", "placement")
ROWS = ("a,0,9,2,,0,,x", "b,5,9,2,g,8,gold,y", "c,5,12,2,g,8,gold,x", "d,9,20,0,h,4,,x", "e,9,12,2,g,3,,z")


def write(folder: Path, *lines: str) -> Path:
    (folder / "requests.csv").write_text("\n".join(lines) + "\n")
    return folder / "requests.csv"


def drawn(folder: Path) -> Path:
    save_requests(folder / "drawn.csv", generate(load_spec(ROOT / "conf/workload/mixed_slo.yaml"), 1, 500))
    return folder / "drawn.csv"


def labelled(folder: Path) -> Path:
    return write(folder, f"{HEADER},prefers,uniform", *(f"{row},gpu=H{k % 2},0.{k}" for k, row in enumerate(ROWS)))


@pytest.mark.parametrize("size", [1, 2, 170])
@pytest.mark.parametrize("file", [drawn, labelled, lambda folder: write(folder, HEADER, *ROWS)])
def test_chunks_together_are_what_is_read_at_once(tmp_path: Path, file, size):
    path = file(tmp_path)
    want, stream = load_requests(path), requests_in_chunks(path, size)
    chunks = list(stream.chunks)
    for name in TABLE:
        parts = [getattr(chunk.table, name) for chunk in chunks]
        np.testing.assert_array_equal(None if parts[0] is None else np.concatenate(parts), getattr(want, name))
    assert sum((chunk.table.request_ids for chunk in chunks), ()) == want.request_ids
    assert stream.patterns.slo_names == chunks[0].table.slo_names == want.slo_names
    assert stream.patterns.placements == want.placements and stream.patterns.tenant_names == want.tenant_names


def test_prompts_that_begin_alike_have_patterns_that_do(tmp_path: Path):
    stream = requests_in_chunks(write(tmp_path, HEADER, *ROWS), 2)
    pattern = np.concatenate([chunk.pattern for chunk in stream.chunks])
    table = stream.patterns
    first = [int(table.path_node[table.path_offset[row]]) for row in pattern]
    assert first[1] == first[2] == first[4] and len({first[0], first[1], first[3]}) == 3
    assert [table.input_tokens[row] - 1 for row in pattern] == [0, 8, 8, 4, 3]


def test_adapters_cannot_be_streamed(tmp_path: Path):
    path = write(tmp_path, f"{HEADER},adapter", *(f"{row},{'sql' if k else ''}" for k, row in enumerate(ROWS)))
    with pytest.raises(InputError, match="line 3: column adapter: 'sql' is a LoRA adapter, which cannot be streamed"):
        requests_in_chunks(path, 2)


def test_a_compressed_file_is_read_alike(tmp_path: Path):
    path = write(tmp_path, HEADER, *ROWS)
    packed = path.with_suffix(".csv.gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert [len(chunk.table) for chunk in requests_in_chunks(packed, 3).chunks] == [3, 2]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (("f,3,9,2,,0,,x",), "line 7: column arrival_us: '3' is less than 9 before it"),
        (("b,10,9,2,,0,,x",), "line 7: column request_id: 'b' is already in line 3"),
        (("f,10,9,2,,0,,x", "f,10,9,2,,0,,x"), "line 8: column request_id: 'f' is already in line 7"),
        (("f,10,9,2,,3,,x",), "line 7: column prefix_tokens: '3' needs a prefix_group"),
        (("f,10,nine,2,,0,,x",), "line 7: column input_tokens"),
        (("f,10,9",), "line 7: 3 columns, but the header has 8"),
    ],
)
def test_a_wrong_line_is_named_before_anything_runs(tmp_path: Path, rows, words):
    with pytest.raises(InputError, match=words):
        requests_in_chunks(write(tmp_path, HEADER, *ROWS, *rows), len(ROWS))


def test_sessions_and_empty_files_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match="column session_id: 's' is a session, which cannot be streamed"):
        requests_in_chunks(write(tmp_path, f"{HEADER},session_id", *(f"{row},s" for row in ROWS)), 2)
    with pytest.raises(InputError, match="no requests after the header"):
        requests_in_chunks(write(tmp_path, HEADER), 2)
    with pytest.raises(InputError, match=r"nowhere\.csv"):
        requests_in_chunks(tmp_path / "nowhere.csv", 2)
