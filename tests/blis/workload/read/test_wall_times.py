"""Wall times with and without offsets: the same instants, whatever they look like."""

import pytest

from blis.errors import InputError
from blis.workload.read.sheet import Sheet
from blis.workload.read.wall_times import wall_times

SECOND = 10**7  # units of 100 ns


def read(tmp_path, *times):
    (tmp_path / "t.csv").write_text("\n".join(["when", *times]) + "\n")
    return wall_times(Sheet(tmp_path / "t.csv", ("when",)), "when").tolist()


@pytest.mark.parametrize("end", ["", "Z", "+00:00", "-00:00"])
@pytest.mark.parametrize("between", [" ", "T"])
def test_every_spelling_of_an_instant(tmp_path, between, end):
    times = [f"2024-05-10{between}00:00:{seconds}{end}" for seconds in ("00.009930", "00.0173351", "01")]
    assert read(tmp_path, *times) == [99_300, 173_351, SECOND]


def test_offsets_are_taken_off(tmp_path):
    times = ("2024-05-10T02:00:00+02:00", "2024-05-09T19:30:01.5-04:30", "2024-05-10T00:00:02Z")
    assert read(tmp_path, *times) == [0, SECOND * 3 // 2, 2 * SECOND]


@pytest.mark.parametrize(
    "time",
    [
        "2024-05-10",
        "2024-05-10 00:00",
        "2024-05-10 00:00:00.12345678",
        "2024-05-10  00:00:00",
        "2024-05-10 00:00:00+0000",
        "2024-05-10 00:00:00+00:60",
        "2024-02-30 00:00:00",
        "２０２４-05-10 00:00:00",
    ],
)
def test_anything_else_is_refused(tmp_path, time):
    with pytest.raises(InputError, match=r"line 2: column when: .* is not a time like"):
        read(tmp_path, time)


@pytest.mark.parametrize(("ends", "word"), [(("", "Z"), "an"), (("+00:00", ""), "no")])
def test_with_and_without_an_offset_cannot_be_compared(tmp_path, ends, word):
    with pytest.raises(InputError, match=f"line 3: .* has {word} offset from UTC, unlike the times before it"):
        read(tmp_path, *(f"2024-05-10 00:00:00{end}" for end in ends))
