"""How an instance is chosen: names and numbers are checked where they are written (mistakes: test_cluster.py)."""

import pytest

from blis.config import Filter, Routing, Scorer, Signal, Signals, default_scorers
from blis.errors import InputError


def test_without_a_word_it_is_what_the_original_has():
    assert Routing().policy == "round-robin"
    assert [(one.name, one.weight) for one in default_scorers()] == [
        ("prefix-affinity", 3.0),
        ("queue-depth", 2.0),
        ("kv-utilization", 2.0),
    ]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Scorer("queue-depth", 0), "weight of routing scorer 'queue-depth'"),
        (lambda: Filter("load", {"most": 1}), "most"),
        (lambda: Signal(-1), "signals.*.age_us"),
        (lambda: Routing("weighted", filters=(Filter("load"), Filter("load"))), "names 'load' twice"),
        (lambda: Routing(snapshot_refresh_us=1, signals=Signals(kv=Signal(1))), "exclude each other"),
    ],
)
def test_mistakes_name_the_key(make, words: str):
    with pytest.raises(InputError) as error:
        make()
    assert words in str(error.value)
