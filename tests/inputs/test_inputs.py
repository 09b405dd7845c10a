"""A sample of mutated inputs: the whole thing is `python -m tests.inputs`."""

from random import Random

import pytest

from tests.inputs.__main__ import answer
from tests.inputs.kinds import ACCEPTED, KINDS, REFUSED, command
from tests.inputs.mistakes import mutate_arguments, mutate_rows

SAMPLE = 25


@pytest.mark.parametrize("kind", KINDS)
def test_every_input_is_answered_right(kind, tmp_path):
    answers = [answer(kind, seed, tmp_path) for seed in range(SAMPLE)]
    assert set(answers) <= {ACCEPTED, REFUSED}, [told for told in answers if told not in (ACCEPTED, REFUSED)]
    assert REFUSED in answers


def test_what_is_not_mutated_is_accepted(tmp_path, monkeypatch):
    for name in ("mutate_rows", "mutate"):
        monkeypatch.setattr(f"tests.inputs.kinds.{name}", _as_it_is)
    monkeypatch.setattr("tests.inputs.kinds.mutate_arguments", lambda _rng, arguments: arguments)
    for kind in ("workload", "rows", "bundle", "scenario"):
        assert ACCEPTED in {answer(kind, seed, tmp_path) for seed in range(8)}, kind


def _as_it_is(_rng, content):
    import yaml

    return content.encode() if isinstance(content, str) else yaml.safe_dump(content).encode()


def test_a_wrong_answer_is_noticed(monkeypatch, tmp_path):
    def broken(_rng, _folder):
        raise ZeroDivisionError("a mistake of ours")

    monkeypatch.setitem(KINDS, "broken", broken)
    assert answer("broken", 0, tmp_path).startswith("ZeroDivisionError at ")
    monkeypatch.setattr("tests.inputs.kinds.main", lambda _arguments: 1)
    assert command("run").startswith("status 1")


def test_mutations_differ_and_come_again():
    text = "a,b\n1,2\n3,4\n"
    drawn = [mutate_rows(Random(seed), text) for seed in range(50)]
    assert drawn == [mutate_rows(Random(seed), text) for seed in range(50)]
    assert len(set(drawn)) > 25
    assert len({tuple(mutate_arguments(Random(seed), ["a=1", "b=2"])) for seed in range(50)}) > 25
