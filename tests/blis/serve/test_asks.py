from __future__ import annotations

import pytest

from blis.serve.asks import read_chat, read_completion
from blis.serve.refusal import RefusedError
from blis.serve.words import Words

WORDS = Words()
TALK = [{"role": "user", "content": "one two"}]


def test_a_prompt_is_a_text_or_token_ids_alone_or_in_a_list_of_one():
    assert read_completion({"prompt": "one two"}, WORDS).prompt.tolist() == WORDS.of_text("one two").tolist()
    for prompt in ([5, 6, 7], [[5, 6, 7]]):
        assert read_completion({"prompt": prompt}, WORDS).prompt.tolist() == [5, 6, 7]
    assert read_completion({"prompt": ["one two"]}, WORDS).prompt.tolist() == WORDS.of_text("one two").tolist()


def test_messages_are_texts_or_parts_of_text():
    parts = [{"type": "text", "text": "one"}, {"type": "image_url", "image_url": {}}, {"type": "text", "text": "two"}]
    wanted = WORDS.of_chat([("user", "one two")]).tolist()
    assert read_chat({"messages": TALK}, WORDS).prompt.tolist() == wanted
    assert read_chat({"messages": [{"role": "user", "content": parts}]}, WORDS).prompt.tolist() == wanted


def test_defaults_are_those_of_vllm():
    completion, chat = read_completion({"prompt": "x"}, WORDS), read_chat({"messages": TALK}, WORDS)
    assert (completion.max_tokens, chat.max_tokens) == (16, None)
    assert not (completion.stream or completion.ignore_eos or completion.include_usage)


def test_the_newer_name_of_max_tokens_counts():
    assert read_chat({"messages": TALK, "max_tokens": 5, "max_completion_tokens": 7}, WORDS).max_tokens == 7
    assert read_chat({"messages": TALK, "max_tokens": 5}, WORDS).max_tokens == 5


def test_what_only_changes_sampling_is_left_aside():
    assert read_completion(
        {"prompt": "x", "temperature": 0.3, "n": 1, "logprobs": None, "echo": False}, WORDS
    ).max_tokens


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("prompt", None),
        ("prompt", ""),
        ("prompt", []),
        ("prompt", 5),
        ("prompt", [1, -1]),
        ("prompt", [1, True]),
        ("prompt", ["one", "two"]),
        ("prompt", [[1], [2]]),
        ("prompt", "half a letter: \ud83d"),
        ("max_tokens", 0),
        ("max_tokens", "5"),
        ("max_tokens", True),
        ("max_tokens", 2**40),
        ("stream", "yes"),
        ("ignore_eos", 1),
        ("n", 2),
        ("n", True),
        ("n", False),
        ("best_of", True),
        ("echo", 0),
        ("logprobs", 0),
        ("echo", True),
        ("logprobs", 1),
        ("user", 7),
        ("user", 0),
        ("user", "\ud83d"),
        ("stream_options", {"include_usage": True}),
        ("stream_options", 3),
        ("stream_options", False),
    ],
)
def test_a_wrong_field_is_named(field, value):
    with pytest.raises(RefusedError) as error:
        read_completion({"prompt": "x"} | {field: value}, WORDS)
    assert (error.value.status, error.value.param) == (400, field)
    assert field in error.value.message


@pytest.mark.parametrize(
    "field", ["max_tokens", "stream", "ignore_eos", "n", "echo", "logprobs", "user", "stream_options"]
)
def test_a_wrong_value_is_not_repeated_at_any_length(field):
    with pytest.raises(RefusedError) as error:
        read_completion({"prompt": "x", field: ["long" * 10_000]}, WORDS)
    assert "long" in error.value.message and len(error.value.message) < 200


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
def test_both_names_of_max_tokens_are_checked(field):
    with pytest.raises(RefusedError) as error:
        read_chat({"messages": TALK, "max_tokens": 5, "max_completion_tokens": 7} | {field: 0}, WORDS)
    assert error.value.param == field


@pytest.mark.parametrize(
    ("messages", "field"),
    [
        (None, "messages"),
        ([], "messages"),
        ("hello", "messages"),
        ([{"content": "x"}], "messages[0]"),
        ([*TALK, "x"], "messages[1]"),
        ([{"role": "user", "content": 5}], "messages[0].content"),
        ([{"role": "user", "content": ["x"]}], "messages[0].content"),
        ([{"role": "\ud83d", "content": "x"}], "messages[0]"),
        ([{"role": "user", "content": "\ud83d"}], "messages[0].content"),
        ([{"role": "user", "content": [{"text": "\ud83d"}]}], "messages[0].content"),
    ],
)
def test_a_wrong_message_is_named(messages, field):
    with pytest.raises(RefusedError) as error:
        read_chat({"messages": messages}, WORDS)
    assert error.value.param == field
