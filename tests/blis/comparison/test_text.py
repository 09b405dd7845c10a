"""The table of a comparison: a block a measure, numbers below each other, nothing that is no number."""

from blis.comparison.measures import MEASURES
from blis.comparison.side_by_side import Difference, SideBySide
from blis.comparison.text import side_by_side_text
from blis.latency.standing import Standing

NAN = float("nan")
GIVEN = Standing("given", "coefficients by hand", 20.0)


def text_of(value: float, difference: Difference) -> list[str]:
    values = {"base": dict.fromkeys(MEASURES, 10.0), "long-name": dict.fromkeys(MEASURES, value)}
    differences = {"long-name": dict.fromkeys(MEASURES, difference)}
    return side_by_side_text(SideBySide("base", "95 % by hand", values, differences), GIVEN).splitlines()


def block(lines: list[str], heading: str) -> list[str]:
    start = lines.index(heading)
    return lines[start + 1 : start + 3]


def test_more_is_better_or_worse_by_the_measure():
    lines = text_of(1012.5, Difference(2.5, (1.0, 4.0)))
    assert lines[0] == "against base; 95 % by hand, each by itself"
    assert block(lines, "TTFT mean (ms)") == [
        "  base         10.0  baseline",
        "  long-name  1012.5  +2.5 [+1.0, +4.0]  worse",
    ]
    assert lines[-1] == "step times given: coefficients by hand; expect an error of about 20 %"
    assert block(lines, "in time (% of offered)")[1].endswith("better")
    assert block(lines, "goodput (in time/s)")[1] == "  long-name  1012.50  +2.50 [+1.00, +4.00]  better"


def test_what_is_not_known_is_a_dash_or_left_out():
    assert block(text_of(NAN, Difference(NAN, None)), "E2E p99 (ms)")[1] == "  long-name     –  –"
    assert block(text_of(9.0, Difference(-1.0, None)), "E2E p99 (ms)")[1] == "  long-name   9.0  -1.0"


def test_a_difference_that_is_proved_shows_a_digit_and_nothing_has_no_sign():
    lines = text_of(9.0, Difference(-0.002, (-0.003, -0.001)))
    assert block(lines, "TPOT mean (ms)")[1] == "  long-name   9.00  -0.002 [-0.003, -0.001]  better"
    lines = text_of(9.0, Difference(-0.002, (-0.004, 0.001)))
    assert block(lines, "TPOT mean (ms)")[1] == "  long-name   9.00  0.00 [0.00, 0.00]  unproved"
