"""Texts of so many tokens, equal exactly as far as the requests' content is."""

from __future__ import annotations

import asyncio
import sys
from itertools import takewhile
from types import SimpleNamespace

import numpy as np
import pytest

from blis.errors import InputError
from blis.observe.prompts import WORDS, Lengths, Prompts, measured, token_counter
from blis.tables.requests import RequestTable
from blis.workload.assemble import assemble
from blis.workload.content.tree import intern_prefix_groups, intern_sequences


def table(spans: list, inputs: list[int]) -> RequestTable:
    """Requests whose prompts and outputs are spans of streams."""
    totals = [sum(length for _, _, length in row) for row in spans]
    return assemble(
        intern_sequences(spans, inputs),
        arrival_us=range(len(inputs)),
        input_tokens=inputs,
        output_tokens=[total - n for total, n in zip(totals, inputs, strict=True)],
    )


def shared(one: str, other: str) -> int:
    """Words that two texts begin with."""
    return len(list(takewhile(lambda pair: pair[0] == pair[1], zip(one.split(), other.split(), strict=False))))


def test_a_prompt_has_as_many_words_as_tokens_and_shares_what_the_content_shares():
    rows = [
        [("system", 0, 100), ("a", 0, 60)],
        [("system", 0, 100), ("b", 0, 30)],
        [("system", 0, 40), ("c", 0, 50)],
        [("other", 0, 70)],
        [("system", 0, 100), ("a", 0, 60), ("next", 0, 20)],  # the turn after the first one, with its answer
    ]
    prompts = Prompts(table(rows, [150, 120, 80, 60, 170]), Lengths(), seed=1)
    texts = [prompts.text(row) for row in range(5)]
    assert [len(text.split()) for text in texts] == [150, 120, 80, 60, 170]
    assert [shared(texts[0], text) for text in texts] == [150, 100, 40, 0, 150]
    assert texts == [prompts.text(row) for row in range(5)]


def test_prompts_of_thousands_differ_at_their_beginnings():
    n = 5000
    nothing = np.zeros(n, np.int64)
    content = intern_prefix_groups(nothing - 1, nothing, nothing + 4, nothing + 1)
    requests = assemble(content, arrival_us=range(n), input_tokens=[4] * n, output_tokens=[1] * n)
    prompts = Prompts(requests, Lengths(), seed=0)
    assert len({prompts.text(row) for row in range(n)} | {prompts.warm_up(number, 4) for number in range(n)}) == 2 * n


def test_another_seed_has_other_texts():
    requests = table([[("a", 0, 100)]], [90])
    texts = [Prompts(requests, Lengths(), seed).text(0) for seed in (1, 2)]
    assert texts[0].split()[10:] != texts[1].split()[10:]


def test_a_template_and_long_words_are_allowed_for():
    requests = table([[("s", 0, 50), ("a", 0, 50)], [("s", 0, 50), ("b", 0, 50)]], [90, 100])
    prompts = Prompts(requests, Lengths(word_tokens=2.0, other_tokens=10.0), seed=1)
    assert [len(prompts.text(row).split()) for row in (0, 1)] == [40, 45]
    assert shared(prompts.text(0), prompts.text(1)) == 20


def test_a_prompt_that_is_shorter_than_the_template_is_a_word():
    prompts = Prompts(table([[("a", 0, 9)]], [5]), Lengths(other_tokens=30.0), seed=1)
    assert len(prompts.text(0).split()) == 1


@pytest.mark.parametrize(("word_tokens", "other_tokens"), [(1, 0), (1, 17), (2, 1), (1.25, 4)])
def test_two_counts_say_how_long_words_are(word_tokens, other_tokens):
    async def count(text: str) -> int:
        return round(len(text.split()) * word_tokens + other_tokens)

    found = asyncio.run(measured(count))
    assert found.word_tokens == pytest.approx(word_tokens, rel=0.01)
    assert found.other_tokens == pytest.approx(other_tokens, abs=0.6)


@pytest.mark.parametrize("count", [None, 7])
def test_counts_that_say_nothing_measure_nothing(count):
    async def counted(text: str) -> int | None:
        return count

    assert asyncio.run(measured(counted)) is None


def test_words_are_all_different():
    assert len(set(WORDS)) == len(WORDS) > 60


def test_a_tokenizer_counts_if_what_reads_it_is_installed(monkeypatch):
    class Tokenizer:
        @staticmethod
        def from_file(path: str) -> Tokenizer:
            if path != "tokenizer.json":
                raise Exception("No such file")
            return Tokenizer()

        def encode(self, text: str) -> SimpleNamespace:
            return SimpleNamespace(ids=text.split())

    monkeypatch.setitem(sys.modules, "tokenizers", SimpleNamespace(Tokenizer=Tokenizer))
    assert token_counter("tokenizer.json")("a b c") == 3
    with pytest.raises(InputError, match=r"missing\.json: no tokenizer: No such file"):
        token_counter("missing.json")
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(InputError, match="needs the package `tokenizers`, which is not installed"):
        token_counter("tokenizer.json")
