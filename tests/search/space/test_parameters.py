"""One dimension of a space: how its values are drawn, varied, mixed and found."""

import math
from collections import Counter
from random import Random

import pytest

from search.space.parameters import ZERO_PROBABILITY, Category, Leaf, Number, is_free, make_parameter

LINEAR, LOG = Number(2, 10), Number(1, 10_000, log=True)
WEIGHT = Number(0.01, 1, log=True, zero_probability=ZERO_PROBABILITY)
COUNT = Number(16, 512, integer=True)
NUMBERS = (LINEAR, LOG, WEIGHT, COUNT)


@pytest.mark.parametrize("number", NUMBERS)
def test_places_and_values_are_inverse(number):
    assert (number.value_at(0.0), number.value_at(1.0)) == pytest.approx((number.low, number.high))
    for place in (0.0, 0.1, 0.5, 0.99, 1.0):
        value = number.value_at(place)
        assert number.place(value) == pytest.approx(place, abs=0.002)
        assert number.low <= value <= number.high
        assert not number.integer or isinstance(value, int)


@pytest.mark.parametrize("log", [False, True])
def test_the_ends_of_whole_numbers_are_drawn_as_often_as_their_neighbours(log):
    number, rng = Number(3, 6, log=log, integer=True), Random(7)
    counts = Counter(number.sample(rng) for _ in range(8000))
    whole = math.log(6.5 / 2.5)
    for value in (3, 4, 5, 6):
        share = math.log((value + 0.5) / (value - 0.5)) / whole if log else 0.25
        assert counts[value] / 8000 == pytest.approx(share, abs=0.02)
        assert number.value_at(number.place(value)) == value


def test_the_middle_of_a_range():
    assert LINEAR.value_at(0.5) == 6
    assert LOG.value_at(0.5) == pytest.approx(100)


@pytest.mark.parametrize(("number", "middle"), [(LINEAR, 6), (LOG, 100), (COUNT, 264)])
def test_draws_are_even_over_the_places(number, middle):
    rng = Random(1)
    below = sum(number.sample(rng) < middle for _ in range(4000))
    assert 1880 < below < 2120


def test_a_weight_is_zero_as_often_as_said():
    rng = Random(1)
    zeros = sum(WEIGHT.sample(rng) == 0 for _ in range(4000))
    assert zeros / 4000 == pytest.approx(ZERO_PROBABILITY, abs=0.02)


@pytest.mark.parametrize("number", [LINEAR, LOG])
@pytest.mark.parametrize("place", [0.02, 0.98])
def test_steps_beyond_a_bound_come_back_and_do_not_pile_up_there(number, place):
    rng, start = Random(3), number.value_at(place)
    steps = [number.place(number.mutate(rng, start, 0.2)) for _ in range(2000)]
    assert all(0 <= step <= 1 for step in steps)
    bound = round(place)
    assert not any(step == bound for step in steps)
    near = sum(abs(step - bound) < 0.02 for step in steps)
    assert near < 350  # a fifth of the density would be 160; clipping alone would put 900 there
    # A reflected step goes as far as it would have gone: half of a normal distribution folded at the bound.
    distances = sorted(abs(step - bound) for step in steps)
    assert distances[1000] == pytest.approx(0.2 * 0.6745, abs=0.015)


def test_small_steps_stay_near_and_large_ones_reach_everything():
    rng = Random(4)
    near = [LINEAR.mutate(rng, 6.0, 0.01) for _ in range(500)]
    assert max(abs(value - 6) for value in near) < 0.01 * 8 * 4
    far = [LINEAR.mutate(rng, 6.0, 1.0) for _ in range(500)]
    assert min(far) < 3 and max(far) > 9


def test_a_blend_lies_between_its_parents_wherever_they_are():
    rng = Random(5)
    blends = [LOG.blend(rng, 10.0, 1000.0) for _ in range(1000)]
    assert 10 <= min(blends) < 12 and 850 < max(blends) <= 1000
    assert sum(value < 100 for value in blends) == pytest.approx(500, abs=60)
    off_or_on = {WEIGHT.blend(rng, 0.0, 0.5) for _ in range(50)}
    assert off_or_on == {0.0, 0.5}


@pytest.mark.parametrize(
    ("parameter", "value", "nearest"),
    [
        (LINEAR, 1, 2.0),
        (LINEAR, 99, 10.0),
        (LINEAR, 3, 3.0),
        (LINEAR, 0, 2.0),
        (WEIGHT, 0, 0.0),
        (WEIGHT, 0.001, 0.01),
        (COUNT, 20.6, 21),
        (LINEAR, True, None),
        (LINEAR, "3", None),
        (LINEAR, None, None),
        (Category((0, 256, 512)), 300, 256),
        (Category((0, 256, 512)), 512, 512),
        (Category(("a", "b")), "a", "a"),
        (Category(("a", "b")), "c", None),
        (Category(("a", 2)), 3, None),
    ],
)
def test_the_nearest_value(parameter, value, nearest):
    found = parameter.nearest(value)
    assert found == nearest and isinstance(found, type(nearest))


def test_choices_are_drawn_alike_and_change_to_any_other():
    rng, category = Random(6), Category(("a", "b", "c"))
    drawn = [category.sample(rng) for _ in range(3000)]
    assert all(900 < drawn.count(choice) < 1100 for choice in category.choices)
    assert {category.mutate(rng, "a", 0.1) for _ in range(50)} == {"b", "c"}
    assert Category(("a",)).mutate(rng, "a", 0.1) == "a"
    assert {category.blend(rng, "a", "c") for _ in range(50)} == {"a", "c"}


def test_extremes_bound_the_range():
    assert LINEAR.extremes() == (2, 10)
    assert COUNT.extremes() == (16, 512)
    assert Category((0, 256)).extremes() == (0, 256)


def test_leaves_become_parameters():
    assert make_parameter("x", Leaf("float", 1, 9)) == Number(1, 9)
    assert make_parameter("x", Leaf("int", 1, 9, log=True)) == Number(1, 9, log=True, integer=True)
    assert make_parameter("x", Leaf("zero_or", 0.1, 9)) == Number(0.1, 9, True, False, ZERO_PROBABILITY)
    assert make_parameter("x", Leaf("categorical", choices=("a", 1))) == Category(("a", 1))
    assert math.isclose(ZERO_PROBABILITY, 0.3)


def test_a_single_value_is_not_free():
    assert not is_free(Category((3,)))
    assert not is_free(Number(2, 2))
    assert is_free(Number(0.01, 0.01, log=True, zero_probability=0.3))
