import pytest

from blis.config import Compat
from blis.evaluation.hit_rates import hit_rates
from tests.blis.handmade import make_result, make_table


def test_three_rates_and_which_of_them_is_shown():
    result = make_result(make_table(2), 1, instances=2)
    result.instances["lookup_blocks"], result.instances["lookup_hit_blocks"] = (10, 30), (10, 10)
    result.instances["hit_blocks"], result.instances["miss_blocks"] = (10, 0), (10, 20)
    found = hit_rates(result, Compat())
    assert (found.prompt, found.diluted, found.mean_diluted) == (0.5, 0.25, 0.25)
    assert found.headline == found.prompt
    result.instances["miss_blocks"] = (30, 0)
    assert hit_rates(result, Compat(mean_hit_rate=True)).headline == 0.125


def test_the_second_tier_counts_apart_from_the_gpu():
    result = make_result(make_table(2), 1, instances=2)
    result.instances["lookup_blocks"], result.instances["lookup_hit_blocks"] = (40, 0), (10, 0)
    result.instances["lookup_cpu_hit_blocks"] = (6, 0)
    result.instances["again_blocks"], result.instances["again_hit_blocks"] = (50, 0), (35, 5)
    result.instances["hit_blocks"], result.instances["cpu_hit_blocks"] = (10, 0), (20, 0)
    result.instances["miss_blocks"] = (10, 20)
    result.instances["offloaded_blocks"], result.instances["thrashed_blocks"] = (10, 30), (5, 3)
    found = hit_rates(result, Compat())
    assert (found.prompt, found.cpu, found.again) == (0.25, 0.15, 0.8)
    assert (found.diluted, found.thrashing) == (0.5, 0.2)
    assert hit_rates(result, Compat(mean_hit_rate=True)).thrashing == pytest.approx((0.5 + 0.1) / 2)


def test_without_a_look_up_all_are_zero():
    assert set(vars(hit_rates(make_result(make_table(2), 1), Compat())).values()) == {0.0}
