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


@pytest.mark.parametrize("first", [1_200_000_000, 5_000_000_000])
def test_a_late_piece_of_a_long_file_is_not_on_the_unix_clock(first):
    arrival, notes = since(first + GAPS * 500)
    assert arrival.tolist() == (GAPS * 500_000).tolist()
    assert notes[0] == f"the first request comes at {first} ms: times count from there"


def test_times_that_may_be_either_are_asked_for():
    times = 1_200_000_000 + GAPS * 5  # one in 5 s, or 200 a second
    with pytest.raises(InputError, match=r"Unix clock, in s, or 1.2e.09 ms after .* time_unit=s or time_unit=ms"):
        since(times)
    assert since(times, "s", given=True)[0].max() == 145_000_000


def test_a_piece_from_the_middle_of_a_day_starts_at_0():
    arrival, notes = since([43_200_000, 43_200_500])
    assert arrival.tolist() == [0, 500_000]
    assert notes == (
        "the first request comes at 43200000 ms: times count from there",
        "times are in ms, as the format says",
    )


EVEN, BATCHED = np.arange(60), np.arange(60) // 6 * 6


@pytest.mark.parametrize(
    ("times", "unit", "problem"),
    [
        ([0, 0.37], "ms", "times have fractions of a ms, with times in ms: are they seconds? .* time_unit=s, else"),
        (EVEN, "ms", "1000 requests a second on average, with times in ms: are they seconds? .* time_unit=s, else"),
        (BATCHED * 2, "ms", "546 requests a second on average, .*: are they seconds? .* time_unit=s, else"),
        (EVEN * 10**6, "ms", "a request in 1e.03 s on average, .*: are they microseconds? .* time_unit=us, else"),
        (BATCHED * 500_000, "ms", "a request in 458 s .*: are they microseconds? .* time_unit=us, else"),
        (EVEN * 500, "s", "a request in 500 s .*: are they milliseconds? .* time_unit=ms, else"),
        (BATCHED * 10**6, "s", "a request in 9.15e.05 s .*: are they microseconds? .* time_unit=us, else"),
        (EVEN * 10**9, "s", "a request in 1e.09 s .*: are they nanoseconds? .* time_unit=ns, else"),
        (EVEN / 1000, "s", "1000 requests a second on average, with times in s: if so, say"),
    ],
)
def test_who_comes_too_often_or_too_rarely_is_asked_for_the_unit_that_would_be_usual(times, unit, problem):
    with pytest.raises(InputError, match=f"^t: {problem.replace('?', '[?]')} time_unit={unit}$"):
        since(times, unit)


@pytest.mark.parametrize("per_s", [0.001, 0.05, 600, 10_000])
@pytest.mark.parametrize("unit", ["s", "ms"])
def test_nobody_doubts_a_user(per_s, unit):
    times = np.arange(100) / per_s * {"s": 1, "ms": 1000}[unit]
    assert since(times, unit, given=True)[0].max() == pytest.approx(99e6 / per_s)
    with pytest.raises(InputError, match=f"time_unit={unit}$"):
        since(times, unit)


@pytest.mark.parametrize("per_s", [0.11, 1, 30, 490])
@pytest.mark.parametrize("together", [1, 7])
def test_what_is_usual_is_not_doubted(per_s, together):
    times = np.rint(np.arange(2000) // together * together / per_s * 1000).astype(int)
    arrival, notes = since(times)
    assert arrival.tolist() == (times * 1000).tolist()
    assert notes[0] == "times are in ms, as the format says"


@pytest.mark.parametrize("times", [[0] * 30, [i // 4 for i in range(9)], [0, 500_000]])
def test_bursts_and_short_files_are_not_doubted(times):
    assert since(times)[0].tolist() == [1000 * time for time in times]


def test_batches_are_said():
    times = [3000 * (i // 10) + i % 2 for i in range(50)]  # ten at a time, within 1 ms
    assert since(times)[1][1:] == ("arrivals come in 5 batches, 3 s apart on average",)
    assert since([10 * i for i in range(50)])[1][1:] == ()


def test_a_file_that_is_too_long_is_refused():
    with pytest.raises(InputError, match="beyond"):
        since([START, START * 10**9])
