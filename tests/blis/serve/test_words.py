from __future__ import annotations

import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from blis.errors import InputError
from blis.serve.words import WORDS, Words, by_rule, by_tokenizer


def letters(text: str) -> list[int]:
    """As a tokenizer does it: a blank belongs to what follows; long words are several tokens."""
    return [hash(part) % 10**6 for part in re.findall(r"\s?\S{1,5}", text)]


def test_by_rule_a_token_is_a_word_or_twelve_letters_of_one():
    assert len(by_rule("  two words\n")) == 2
    assert len(by_rule("x" * 25)) == 3
    assert by_rule("") == []
    assert by_rule("again and again")[0] == by_rule("again")[0]


@pytest.mark.parametrize("tokens_of", [by_rule, letters])
def test_an_answer_has_as_many_tokens_as_words(tokens_of):
    words = Words(tokens_of)
    said, tokens = words.answer(words.of_text("hello"), 40)
    assert len(said) == len(tokens) == 40
    assert np.array_equal(words.of_text("".join(f" {word}" for word in said)), tokens)
    assert said == words.answer(words.of_text("hello"), 40)[0] != words.answer(words.of_text("hi"), 40)[0]


def test_all_words_are_a_token_each_by_rule():
    assert len(by_rule(" ".join(WORDS))) == len(WORDS) == len(set(WORDS))


@pytest.mark.parametrize("tokens_of", [by_rule, letters])
def test_the_next_round_begins_with_the_round_before_and_its_answer(tokens_of):
    words = Words(tokens_of)
    first = words.of_chat([("user", "how are you")])
    said, tokens = words.answer(first, 7)
    second = words.of_chat([("user", "how are you"), ("assistant", " ".join(said)), ("user", "and now")])
    assert np.array_equal(second[: len(first) + 7], np.concatenate([first, tokens]))


def test_a_tokenizer_without_words_is_refused():
    with pytest.raises(InputError, match="no word"):
        Words(lambda text: list(text.encode()))


def test_a_tokenizer_is_read_if_what_reads_it_is_installed(monkeypatch):
    class Tokenizer:
        @staticmethod
        def from_file(path: str) -> Tokenizer:
            if path != "tokenizer.json":
                raise Exception("No such file")
            return Tokenizer()

        def encode(self, text: str, add_special_tokens: bool) -> SimpleNamespace:
            return SimpleNamespace(ids=[len(text), int(add_special_tokens)])

    monkeypatch.setitem(sys.modules, "tokenizers", SimpleNamespace(Tokenizer=Tokenizer))
    assert by_tokenizer("tokenizer.json")("abc") == [3, 0]
    with pytest.raises(InputError, match=r"other\.json: no tokenizer: No such file"):
        by_tokenizer("other.json")
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(InputError, match="needs the package `tokenizers`"):
        by_tokenizer("tokenizer.json")


def test_a_long_text_has_the_tokens_of_its_parts():
    part = "one two-and-twenty " * 1000
    assert by_rule(part * 20) == by_rule(part) * 20
