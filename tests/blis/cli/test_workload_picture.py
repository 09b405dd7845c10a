"""What a workload's picture shows."""

from __future__ import annotations

import numpy as np
import pytest

from blis.cli.workload_picture import workload_picture
from blis.comparison.style import png
from blis.workload.assemble import table_from_tokens


def table(arrivals):
    prompts = [list(range(length)) for length in range(1, len(arrivals) + 1)]
    return table_from_tokens(arrivals, prompts, [[1]] * len(arrivals))


def heights(axes):
    return [patch.get_data().values for patch in axes.patches if hasattr(patch, "get_data")]


def test_areas_are_all_requests_and_all_tokens():
    figure = workload_picture(table([100_000 * row for row in range(101)]), "title")
    arrivals, tokens, *_ = figure.axes
    width = 10 / len(heights(arrivals)[0])
    assert np.sum(heights(arrivals)[0]) * width == pytest.approx(101)
    whole, before = (1000 * np.sum(each) * width for each in heights(tokens))
    assert (whole, before) == pytest.approx((101 * 102 / 2, 100 * 101 / 2))


@pytest.mark.parametrize("arrivals", [[0], [7, 7, 7]])
def test_one_instant_can_be_drawn(arrivals):
    assert png(workload_picture(table(arrivals), "title")).startswith(b"\x89PNG")
