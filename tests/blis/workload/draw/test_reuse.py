"""Reuse: cells by length say how much of a prompt an earlier one began with, and how long ago that came."""

import numpy as np
import pytest

from blis.errors import InputError
from blis.workload.content.reuse import ideal_hit_rate, seen_tokens
from blis.workload.draw.generate import generate
from blis.workload.draw.reuse import ReuseCell, draw_reuse
from blis.workload.draw.spec import load_spec, spec_mapping

CELLS = (
    ReuseCell(100, 0.0, 1, 3.0),
    ReuseCell(100, 50.0, 7, 1.0),
    ReuseCell(1000, 90.0, 2, 3.0),
    ReuseCell(1000, 90.0, 4, 1.0),
)


def test_prompts_get_the_cells_of_their_length_by_weight():
    lengths = np.tile([10, 100, 101, 1000, 5000], 2000)
    depth, ago = draw_reuse(CELLS, 3, lengths)
    long = lengths > 100
    np.testing.assert_array_equal(depth[long], lengths[long] * 9 // 10)
    assert set(ago[long].tolist()) == {2, 4}
    assert (ago[long] == 4).mean() == pytest.approx(0.25, abs=0.02)
    assert (depth[~long] > 0).mean() == pytest.approx(0.25, abs=0.02)
    assert set(ago[(depth > 0) & ~long].tolist()) == {7}
    assert set(depth[lengths == 100].tolist()) == {0, 50}


def spec(reuse):
    lengths = {"type": "constant", "params": {"value": 1000}}
    client = {
        "rate_fraction": 1,
        "arrival": {"process": "poisson"},
        "input_distribution": lengths,
        "output_distribution": {"type": "constant", "params": {"value": 10}},
    }
    return load_spec({"version": "2", "aggregate_rate": 10, "num_requests": 500, "clients": [client], "reuse": reuse})


def test_drawn_requests_share_as_much_as_is_said():
    found = spec([{"up_to_tokens": 1000, "percent": 40, "requests_ago": 3, "weight": 1}])
    table = generate(found, 1)
    assert seen_tokens(table)[0] == 0
    assert set(seen_tokens(table)[1:].tolist()) == {400}
    assert ideal_hit_rate(table, 10) == pytest.approx(0.4, abs=0.002)
    assert load_spec(spec_mapping(found)) == found


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ({"percent": 101}, r"reuse\[1\]\S* ?percent"),
        ({"requests_ago": 0}, r"reuse\[1\]\S* ?requests_ago"),
        ({"weight": 0}, r"reuse\[1\]\S* ?weight"),
        ({"up_to_tokens": 5}, r"reuse\[1\]\.up_to_tokens: 5 stands behind 10"),
    ],
)
def test_what_is_no_cell_is_refused(cell, said):
    fine = {"up_to_tokens": 10, "percent": 1, "requests_ago": 1, "weight": 1}
    with pytest.raises(InputError, match=said):
        spec([fine, {**fine, **cell}])
