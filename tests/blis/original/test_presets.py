import numpy as np
import pytest

from blis.errors import InputError
from blis.original.presets import PRESETS, Preset, generate_preset


def test_requests_come_evenly_and_exactly():
    table = generate_preset(Preset(), rate=3, n=7, seed=1)
    assert table.arrival_us.tolist() == [0, 333333, 666667, 1000000, 1333333, 1666667, 2000000]


@pytest.mark.parametrize(("rate", "gap_us"), [(10, 99_999), (5, 199_999), (20, 49_999), (3, 333_333), (1, 1_000_000)])
def test_the_original_cuts_its_gap(rate, gap_us):
    table = generate_preset(Preset(), rate, n=50, seed=1, truncated_gap=True)
    assert table.arrival_us.tolist() == [gap_us * i for i in range(50)]


def test_none_comes_at_or_after_the_horizon():
    assert len(generate_preset(Preset(), 10, n=50, seed=1, horizon_us=1_000_000)) == 10
    assert len(generate_preset(Preset(), 10, n=50, seed=1, horizon_us=1)) == 1


@pytest.mark.parametrize("name", PRESETS)
def test_lengths_are_clamped_and_near_their_mean(name):
    preset = PRESETS[name]
    table = generate_preset(preset, 100, n=4000, seed=3)
    for tokens, side in ((table.input_tokens, "prompt_tokens"), (table.output_tokens, "output_tokens")):
        assert tokens.min() >= getattr(preset, f"{side}_min") and tokens.max() <= getattr(preset, f"{side}_max")
        assert abs(tokens.mean() / getattr(preset, side) - 1) < 0.02
    assert table.tree.n_shared == 0


def test_one_prefix_for_all_comes_on_top():
    plain, prefixed = (generate_preset(Preset(prefix_tokens=k), 10, n=20, seed=2) for k in (0, 100))
    np.testing.assert_array_equal(prefixed.input_tokens, plain.input_tokens + 100)
    assert prefixed.tree.n_shared == 1
    assert set(prefixed.path_node[prefixed.path_offset[:-1]].tolist()) == {0}
    assert set(prefixed.path_end_token[prefixed.path_offset[:-1]].tolist()) == {100}


def test_equal_bounds_are_that_length():
    table = generate_preset(Preset(0, 5, 9, 5, 5, 1, 0, 1, 7), 1, n=30, seed=1)
    assert set(table.input_tokens.tolist()) == {5} and set(table.output_tokens.tolist()) == {1}


def test_the_seed_decides():
    first, again, other = (generate_preset(Preset(), 1, n=30, seed=seed) for seed in (1, 1, 2))
    assert first.input_tokens.tobytes() == again.input_tokens.tobytes() != other.input_tokens.tobytes()


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"prompt_tokens": 1}, "prompt_tokens: min <= mean <= max must hold, got min 2, mean 1, max 7000"),
        ({"output_tokens_max": 100}, "output_tokens: min <= mean <= max must hold"),
        ({"output_tokens_min": 0}, "output_tokens_min must be in"),
        ({"prompt_tokens_stdev": -1}, "prompt_tokens_stdev must be in"),
        ({"prefix_tokens": -1}, "prefix_tokens must be in"),
    ],
)
def test_wrong_lengths_are_refused(changes, problem):
    with pytest.raises(InputError, match=problem):
        Preset(**changes)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"rate": 0}, "rate must be > 0"),
        ({"rate": float("nan")}, "rate must be finite"),
        ({"rate": 1e-300, "n": 2}, "puts arrivals beyond"),
        ({"n": 0}, "num_requests must be"),
        ({"seed": -1}, "seed must be"),
    ],
)
def test_wrong_numbers_are_refused(arguments, problem):
    with pytest.raises(InputError, match=problem):
        generate_preset(Preset(), **{"rate": 1.0, "n": 5, "seed": 1, **arguments})
