"""What a gateway reads of a request that it passes on: never an error, whatever is in it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blis.gateway.asked import Asked, read_asked
from blis.serve.asks import READERS
from blis.serve.words import Words

WORDS = Words()


def read(**body: Any) -> Asked:
    return read_asked("/v1/x", b"raw", body, WORDS)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/completions", {"prompt": "one two three"}),
        ("/v1/completions", {"prompt": [5, 6, 7]}),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "hello there"}]}),
    ],
)
def test_a_prompt_has_the_tokens_that_a_simulated_server_reads(path: str, body: dict[str, Any]):
    assert read(**body).prompt.tolist() == READERS[path](body, WORDS).prompt.tolist()


def test_conversations_that_begin_alike_share_their_beginning():
    first = [{"role": "system", "content": "be kind " * 50}, {"role": "user", "content": "hello"}]
    more = [*first, {"role": "assistant", "content": "hi"}, {"role": "user", "content": "and now"}]
    short, long = read(messages=first).prompt.tolist(), read(messages=more).prompt.tolist()
    assert long[: len(short)] == short


def test_the_length_of_the_answer_is_what_is_asked_for_or_a_guess():
    assert read(prompt="x", max_tokens=7).max_tokens == 7
    assert read(messages=[], max_completion_tokens=9, max_tokens=7).max_tokens == 9
    assert read(prompt="x").max_tokens == 16
    assert read(prompt="x", max_tokens=True).max_tokens == 16


def test_pictures_and_tools_count_as_what_names_them():
    picture = {"type": "image_url", "image_url": {"url": "http://x/a.png"}}
    message = {"role": "user", "content": [{"type": "text", "text": "what is it"}, picture]}
    other = {"role": "user", "content": [{"type": "text", "text": "what is it"}, {**picture, "detail": "high"}]}
    assert read(messages=[message]).prompt.tolist() != read(messages=[other]).prompt.tolist()


def test_a_list_of_prompts_is_one_behind_the_other():
    assert read(prompt=["a b", "c"]).prompt.tolist() == read(prompt="a b c").prompt.tolist()


_KEYS = ("role", "content", "text", "type")
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("ab {\ud800", max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=3),
    max_leaves=12,
)
_BODIES = st.fixed_dictionaries(
    {},
    optional={name: _JSON for name in ("prompt", "messages", "input", "max_tokens", "user", "stream")},
)


@given(_BODIES)
def test_nothing_that_is_json_is_too_much(body: dict[str, Any]):
    asked = read_asked("/v1/x", json.dumps(body).encode(), json.loads(json.dumps(body)), WORDS)
    assert len(asked.prompt) >= 1 and asked.max_tokens >= 1 and isinstance(asked.user, str)


@pytest.mark.parametrize(("part", "name"), [("[", "prompt"), ('{"text":[', "messages")])
def test_what_is_too_deep_to_be_read_counts_as_text(part: str, name: str):
    depth = 450
    close = "]" if part == "[" else "]}"
    deep = "[" + part * depth + close * depth + "]"
    deep = f'[{{"role": "user", "content": {deep}}}]' if name == "messages" else deep
    raw = f'{{"{name}": {deep}}}'
    assert len(read_asked("/v1/x", raw.encode(), json.loads(raw), WORDS).prompt) >= 1


def test_a_query_does_not_change_what_the_answer_must_be():
    for target, completes in [("/v1/completions?a=1", True), ("/v1/chat/completions", True), ("/v1/responses", False)]:
        assert read_asked(target, b"", {}, WORDS).completes == completes
