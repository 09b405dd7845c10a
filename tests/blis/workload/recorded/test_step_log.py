"""Step logs: what is filled in, and one line for what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from blis.workload.recorded.step_log import load_step_log, save_step_log
from tests.blis.workload.recorded.logs import STEPS, refused


def written(folder: Path, text: str) -> Path:
    path = folder / "steps.csv"
    path.write_text(text)
    return path


def test_sums_that_are_not_there_follow_from_those_that_are(tmp_path: Path):
    steps = load_step_log(written(tmp_path, STEPS)).steps
    assert steps["duration_us"].tolist() == [5000, 6000] and steps["decodes"].tolist() == [0, 3]
    assert steps["prefills"].tolist() == [1, 0] and steps["decode_context"].tolist() == [0, 0]
    assert steps["prefill_pairs"].tolist() == [sum(range(100)), 0]
    text = "duration_us,prefill_tokens,decodes,prefill_context,prefills\n5,10,0,7,2\n"
    more = load_step_log(written(tmp_path, text)).steps
    assert more["prefill_pairs"].tolist() == [sum(range(7, 17))] and more["prefills"].tolist() == [2]


def test_what_is_saved_is_read_again(tmp_path: Path):
    text = "instance,number,start_us,duration_us,prefill_tokens,decodes,prefill_pairs\n1,2,3,4,5,6,7\n"
    steps = load_step_log(written(tmp_path, text)).steps
    save_step_log(tmp_path / "again.csv", steps)
    assert load_step_log(tmp_path / "again.csv").steps.tolist() == steps.tolist()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (STEPS, "", "empty file"),
        (STEPS, "duration_us,prefill_tokens,decodes\n", "after the header"),
        ("decodes", "decode", "line 1: unknown column 'decode' (did you mean 'decodes'?)"),
        ("decodes", "duration_us", "line 1: column 'duration_us' is given twice"),
        ("5000,", "5000.5,", "line 2: column duration_us: '5000.5' is not a whole number"),
        ("5000,", "-5,", "line 2: column duration_us: '-5' must be >= 1"),
        ("6000,", "0,", "line 3: column duration_us: '0' must be >= 1"),
        ("5000,", ",", "line 2: column duration_us: '' is not a whole number"),
        (",100,", ",,", "line 2: column prefill_tokens: '' is not a whole number"),
        (
            "decodes",
            "decodes,context_tokens",
            "line 1: unknown column 'context_tokens' (did you mean 'prefill_tokens'?); choose",
        ),
        ("decodes", "decodes,prefill", "line 1: unknown column 'prefill' (did you mean 'prefills'?)"),
        ("5000,", "nan,", "line 2: column duration_us: 'nan' is not a whole number"),
        ("5000,", "9" * 30 + ",", "line 2: column duration_us"),
        (",100,", ",10000000000,", "line 2: column prefill_tokens: '10000000000' must be <= 1000000000"),
        (",100,0", ",100", "line 2: 2 columns, but the header has 3"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, old, new, said):
    refused(load_step_log, written(tmp_path, STEPS.replace(old, new)), said)
