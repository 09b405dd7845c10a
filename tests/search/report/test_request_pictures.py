"""Pictures of a class: four, with lines that end where requests were never served."""

import re

import numpy as np
import pytest

from search.report.finished import FOUND
from search.report.request_pictures import class_pictures, colours
from search.report.requests import MEASURES, ClassOfRequests
from search.report.svg import POLICY, PRIMARY, RULE


def of(seconds, line=(1.0, 2.0)):
    waits = {measure: {FOUND: np.array(seconds), "today": np.array([1.0, 2.0, 4.0])} for measure in MEASURES}
    return ClassOfRequests("a&b", 3, waits, np.array([0.0, 1.0]), {FOUND: np.array(line), "today": np.array(line)})


def heights(svg, name):
    """How high the lines of a policy reach, in the picture's units, which grow downwards."""
    paths = re.findall(rf'<path d="([^"]*)"[^>]*var\(--{name}\)', svg)
    return min(float(y) for path in paths for y in re.findall(r"[ML] [\d.]+ ([\d.]+)", path))


def test_a_line_a_policy_in_its_colour():
    assert colours([FOUND, "lmetric", "today"], "today") == {FOUND: POLICY, "lmetric": RULE, "today": PRIMARY}


def test_a_line_ends_below_the_top_where_some_were_never_served():
    served, left = (class_pictures(of(seconds), "today")[0].svg for seconds in ([1.0, 2.0, 3.0], [1.0, 2.0, np.inf]))
    assert heights(served, "policy") == pytest.approx(heights(served, "primary"), abs=0.1)
    assert heights(left, "policy") > heights(left, "primary") + 20


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("seconds", [[], [np.inf], [0.0, 0.0], [5.0]])
def test_nothing_to_draw_is_no_trouble(seconds):
    pictures = class_pictures(of(seconds, (np.nan, np.nan)), "today")
    assert [one.caption for one in pictures] == [
        "Time to first token",
        "Time per output token",
        "End-to-end latency",
        "First token over time",
    ]
