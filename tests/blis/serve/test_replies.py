from __future__ import annotations

import json

import pytest

from blis.serve.replies import Reply


def reply(chat: bool) -> Reply:
    return Reply("id-1", "m", 7, chat, ["one", "two", "three"], "length", 5)


def body(event: str) -> dict:
    assert event.startswith("data: ") and event.endswith("\n\n")
    return json.loads(event.removeprefix("data: "))


def test_the_texts_of_all_events_are_the_text_of_the_whole():
    for chat, said in ((True, "delta"), (False, "text")):
        made = reply(chat)
        choices = [body(made.token(number))["choices"][0] for number in range(3)]
        streamed = "".join(choice["delta"]["content"] if chat else choice[said] for choice in choices)
        whole = made.whole(0)["choices"][0]
        assert streamed == (whole["message"]["content"] if chat else whole["text"])
        assert [choice["finish_reason"] for choice in choices] == [None, None, "length"]


def test_a_chat_opens_with_who_speaks_and_a_completion_with_nothing():
    assert body(reply(True).opening())["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert reply(False).opening() == ""


@pytest.mark.parametrize("chat", [True, False])
def test_usage_counts_tokens(chat):
    usage = body(reply(chat).usage_event(4))
    assert usage["choices"] == []
    assert usage["usage"] == {
        "prompt_tokens": 5,
        "completion_tokens": 3,
        "total_tokens": 8,
        "prompt_tokens_details": {"cached_tokens": 4},
    }
    assert reply(chat).whole(4)["usage"] == usage["usage"]


def test_objects_have_the_names_of_openai():
    assert [reply(True).whole(0)["object"], body(reply(True).token(0))["object"]] == [
        "chat.completion",
        "chat.completion.chunk",
    ]
    assert [reply(False).whole(0)["object"], body(reply(False).token(0))["object"]] == ["text_completion"] * 2
