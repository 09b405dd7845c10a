from __future__ import annotations

import numpy as np

from blis.serve.words import WORDS, answer_to, chat_tokens, text_tokens


def test_a_token_is_a_word_or_twelve_letters_of_one():
    assert len(text_tokens("  two words\n")) == 2
    assert len(text_tokens("x" * 25)) == 3
    assert len(text_tokens("")) == 0
    assert text_tokens("again and again").tolist()[0] == text_tokens("again")[0]


def test_an_answer_has_as_many_tokens_as_words():
    words, tokens = answer_to(text_tokens("hello"), 40)
    assert len(words) == len(tokens) == 40
    assert np.array_equal(text_tokens(" ".join(words)), tokens)
    assert words == answer_to(text_tokens("hello"), 40)[0] != answer_to(text_tokens("hi"), 40)[0]


def test_no_word_is_longer_than_a_token():
    assert len(text_tokens(" ".join(WORDS))) == len(WORDS) == len(set(WORDS))


def test_the_next_round_begins_with_the_round_before_and_its_answer():
    first = chat_tokens([("user", "how are you")])
    words, tokens = answer_to(first, 7)
    second = chat_tokens([("user", "how are you"), ("assistant", " ".join(words)), ("user", "and now")])
    assert np.array_equal(second[: len(first) + 7], np.concatenate([first, tokens]))
