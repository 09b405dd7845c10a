"""Which chunks bring tokens, what a server counts, and what is no answer."""

from __future__ import annotations

import json

import pytest

from blis.observe.answers import Answer, AnswerError, problem_of


def heard(*chunks: object) -> Answer:
    """An answer of chunks, 10 µs apart."""
    answer = Answer()
    for number, chunk in enumerate(chunks):
        answer.take(chunk if isinstance(chunk, str) else json.dumps(chunk), 10 * number)
    return answer


def delta(**keys: object) -> dict:
    return {"choices": [{"index": 0, "delta": keys, "finish_reason": None}]}


FINISH = {"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]}
USAGE = {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 5}}


def test_only_chunks_with_text_count():
    answer = heard(
        delta(role="assistant", content=""), delta(content="a b"), "", delta(content="c"), FINISH, USAGE, "[DONE]"
    )
    assert answer.chunk_us.tolist() == [10, 30]
    assert answer.texts == ["a b", "c"]
    assert (answer.input_tokens, answer.output_tokens) == (7, 5)
    assert answer.done and answer.finish == "length"


def test_completions_have_their_text_in_the_choice():
    answer = heard({"choices": [{"text": "a"}]}, {"choices": [{"text": "", "finish_reason": "stop"}], "usage": None})
    assert answer.chunk_us.tolist() == [0] and answer.complete and answer.output_tokens is None


@pytest.mark.parametrize("key", ["reasoning_content", "reasoning"])
def test_what_a_model_thinks_is_text_once(key):
    assert heard(delta(**{key: "hm"}), delta(reasoning_content="hm", reasoning="hm")).texts == ["hm", "hm"]


def test_what_was_in_the_cache_is_in_the_details():
    answer = heard({"choices": [], "usage": {"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 8}}})
    assert (answer.input_tokens, answer.cached_tokens) == (9, 8)
    assert heard(USAGE).cached_tokens is None
    assert heard({"choices": [], "usage": {"prompt_tokens_details": None}}).cached_tokens is None


def test_usage_may_come_with_every_chunk_and_the_last_one_counts():
    chunks = [{**delta(content="x"), "usage": {"prompt_tokens": 9, "completion_tokens": n}} for n in (2, 4)]
    assert heard(*chunks).output_tokens == 4


def test_an_answer_in_one_piece():
    answer = heard(USAGE | {"choices": [{"message": {"content": "all"}, "finish_reason": "stop"}]})
    assert (answer.texts, answer.output_tokens, answer.complete) == (["all"], 5, True)


def test_counts_that_are_none_are_not_taken():
    assert heard({"choices": [], "usage": {"prompt_tokens": True, "completion_tokens": -1}}).output_tokens is None
    assert heard({"choices": [], "usage": {"prompt_tokens": 10**30}}).input_tokens is None
    assert heard({"choices": [], "usage": "much"}).input_tokens is None


@pytest.mark.parametrize(
    ("chunk", "problem"),
    [
        ("{not json", "no JSON: {not json"),
        ("[" * 100_000, "no JSON"),
        ("[1]", "no JSON object"),
        ({"error": {"message": "out of memory", "code": 500}}, "out of memory"),
        ({"error": "broken"}, "broken"),
        ({"object": "error", "message": "too long"}, "too long"),
        ({"choices": ["x"]}, "a choice that is no object"),
    ],
)
def test_what_is_no_answer_says_why(chunk, problem):
    with pytest.raises(AnswerError, match=problem.replace("[", r"\[").replace("{", r"\{")):
        heard(chunk)


def test_a_refusal_is_told_by_its_message_or_its_body():
    assert problem_of('{"error": {"message": "no such model"}}') == "no such model"
    assert problem_of("<html>Bad Gateway</html>") == "<html>Bad Gateway</html>"
    assert problem_of('{"detail": "Not Found"}') == '{"detail": "Not Found"}'
