import numpy as np
import pytest

from blis.errors import InputError
from blis.workload.read.clock import since_first

START = 1_700_000_000  # s on the Unix clock
GAPS = np.arange(30)


def since(times, unit="ms", given=False):
    return since_first("t", np.array(times), unit, given)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("says", ["s", "ms"])
def test_the_unix_clock_shows_its_unit(unit, says):
    ticks = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    arrival, notes = since((START + GAPS) * ticks, says)
    assert arrival.tolist() == (GAPS * 10**6).tolist()
    assert notes == (f"times are on the Unix clock, in {unit}: they count from the first request on",)


def test_a_piece_from_the_middle_of_a_day_starts_at_0():
    arrival, notes = since([43_200_000, 43_200_500])
    assert arrival.tolist() == [0, 500_000]
    assert notes == ("the first request comes at 43200000 ms: times count from there",)


@pytest.mark.parametrize(
    ("times", "unit", "problem"),
    [
        ([0, 0.37], "ms", "times have fractions of a ms: are they seconds.* time_unit=s, else time_unit=ms"),
        (GAPS // 3, "ms", "3333 requests a second: are they seconds"),
        (
            GAPS * 500_000,
            "ms",
            "half of the requests come 500 s or more .* microseconds.* time_unit=us, else time_unit=ms",
        ),
        (GAPS * 500, "s", "half of the requests come 500 s or more .* milliseconds.* time_unit=ms, else time_unit=s"),
    ],
)
def test_times_that_are_1000_times_too_close_or_too_far_apart_are_refused_unless_said(times, unit, problem):
    with pytest.raises(InputError, match=f"^t: {problem}"):
        since(times, unit)
    arrival, _ = since(times, unit, given=True)
    assert arrival.tolist() == np.rint(np.array(times) * {"ms": 1e3, "s": 1e6}[unit]).tolist()


@pytest.mark.parametrize("times", [[0] * 30, [i // 4 for i in range(10)], [*range(30)], [0, 500_000]])
def test_bursts_and_short_files_are_not_doubted(times):
    assert since(times)[0].tolist() == [1000 * time for time in times]


def test_long_pauses_between_conversations_are_not_doubted():
    times = [k * 10**7 + i * 4000 for k in range(5) for i in range(10)]  # hours between them
    assert since(times)[0].max() == 40_036 * 10**6


def test_batches_are_said():
    times = [3000 * (i // 10) + i % 2 for i in range(50)]  # ten at a time, within 1 ms
    assert since(times)[1] == ("arrivals come in 5 batches, 3 s apart on average",)
    assert since([10 * i for i in range(50)])[1] == ()


def test_a_file_that_is_too_long_is_refused():
    with pytest.raises(InputError, match="beyond"):
        since([START, START * 10**9])
