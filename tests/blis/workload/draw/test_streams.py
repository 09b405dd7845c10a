import numpy as np

from blis.workload.draw.streams import Fresh, Going, stream


def test_a_purpose_and_a_seed_have_one_stream():
    assert stream(3, "a").random(4).tolist() == stream(3, "a").random(4).tolist()


def test_other_purposes_and_seeds_have_others():
    draws = [stream(seed, name).random(2000) for seed in (0, 1, 2**64 - 1, 2**80) for name in ("a", "b", "workload/x")]
    assert len({column[0] for column in draws}) == len(draws)
    assert np.abs(np.corrcoef(draws) - np.eye(len(draws))).max() < 0.1


def test_the_numbers_are_the_same_on_every_machine():
    """Tables, and so scores and verdicts, rest on them."""
    assert stream(1, "workload/arrivals").integers(0, 2**32, 3).tolist() == [248116559, 1848904776, 3111604454]


def test_a_stream_goes_on_where_it_ended_its_children_too():
    going, whole = Going(3), stream(3, "a")
    assert [*going("a").random(3), *going("a").random(5)] == whole.random(8).tolist()
    parts = [child.random(2).tolist() for _ in range(2) for child in going("a").spawn(2)]
    assert [[*parts[0], *parts[2]], [*parts[1], *parts[3]]] == [child.random(4).tolist() for child in whole.spawn(2)]


def test_whoever_draws_the_same_numbers_has_them_to_himself():
    going = Going(3)
    assert going("a").random() == going("a", "other").random() == Fresh(3)("a").random()
