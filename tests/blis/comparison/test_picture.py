from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_hex

from blis.comparison.measures import Rows
from blis.comparison.picture import MOST_LINES, PictureRun, picture
from blis.comparison.style import COLOURS, png
from blis.evaluation.itl import all_gaps
from blis.tables.records import SAMPLE, STEP_LOG
from tests.blis.handmade import make_result, make_table


def played(instances: int, instants: int = 50, requests: int = 30, scale: float = 1.0) -> PictureRun:
    rng = np.random.default_rng(instances)
    samples = np.zeros((instants, instances), SAMPLE)
    samples["time_us"] = 1000 * np.arange(instants)[:, None]
    samples["queue_depth"] = rng.integers(0, 20 * scale, samples.shape)
    samples["used_blocks"] = rng.integers(0, 100, samples.shape)
    times_ms, nobody = rng.lognormal(3, 1, requests) * scale, np.zeros(requests, np.bool_)
    result = make_result(make_table(requests), 1)
    steps = np.array([(0, 1 + k, 1, 1000 * (1 + k)) for k in range(9)], STEP_LOG)
    result = replace(result, steps=steps, last_step=np.full(requests, 9))
    gaps = all_gaps(result)
    rows = Rows(
        times_ms,
        times_ms,
        2 * times_ms,
        nobody,
        nobody,
        nobody,
        times_ms,
        times_ms,
        times_ms,
        gaps,
        np.arange(requests),
        1.0,
        10.0,
    )
    return PictureRun(rows, samples, np.full(instances, 100))


@pytest.mark.parametrize("policies", [1, 2, 5])
def test_a_row_a_policy_with_equal_scales(policies: int):
    figure = picture({f"p{k}": played(3, scale=1 + k) for k in range(policies)}, "title")
    assert len(figure.axes) == 3 + 2 * policies
    queues, kvs = figure.axes[3::2], figure.axes[4::2]
    assert len({axes.get_ylim() for axes in queues}) == len({axes.get_ylim() for axes in kvs}) == 1
    assert len({axes.get_xlim() for axes in queues + kvs}) == 1


def test_every_curve_and_every_instance_has_its_name_beside_it():
    figure = picture({"fast": played(3), "slow": played(3, scale=3)}, "title")
    ttft, itl, _, queue = figure.axes[:4]
    assert {text.get_text() for axes in (ttft, itl) for text in axes.texts} == {"fast", "slow"}
    assert [text.get_text() for text in queue.texts] == ["0", "1", "2"]
    named = {text.get_text(): to_hex(text.get_color()) for text in ttft.texts}
    assert named == {"fast": COLOURS[0], "slow": COLOURS[1]}


def test_many_instances_are_a_range():
    figure = picture({"p": played(MOST_LINES + 1)}, "title")
    assert "range and mean of 9 instances" in figure.axes[3].get_title(loc="left")
    assert len(figure.axes[3].lines) == 1


def test_nothing_to_draw_is_a_picture_still():
    empty = played(2, instants=0, requests=0)
    assert png(picture({"nobody": empty, "somebody": played(2)}, "title")).startswith(b"\x89PNG")


def test_equal_pictures_are_equal_files():
    assert png(picture({"p": played(2)}, "title")) == png(picture({"p": played(2)}, "title"))
