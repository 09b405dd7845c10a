from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from blis.config import Admission, FlowControl
from blis.scenario import load_scenario
from blis.serve.lengths import Lengths
from blis.serve.senders import CLASS_HEADER
from blis.serve.service import make_service
from blis.serve.words import Words
from tests.blis.conftest import SCENARIO
from tests.blis.serve.small import MODEL, client, events, service

COMPLETION, CHAT = "/v1/completions", "/v1/chat/completions"
TALK = [{"role": "user", "content": "how are you"}]


def test_an_answer_in_one_piece():
    with client() as http:
        answer = http.post(CHAT, json={"model": MODEL, "messages": TALK, "max_tokens": 4, "ignore_eos": True}).json()
    (choice,) = answer["choices"]
    assert len(choice["message"]["content"].split()) == 4 and choice["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 4 and answer["model"] == MODEL


@pytest.mark.parametrize(("path", "what"), [(COMPLETION, {"prompt": "how are you"}), (CHAT, {"messages": TALK})])
def test_a_stream_says_what_the_whole_says(path, what):
    asked = {**what, "max_tokens": 6, "ignore_eos": True}
    with client() as http:
        whole = http.post(path, json=asked).json()
        options = {"include_usage": True}
        answer = http.post(path, json={**asked, "stream": True, "stream_options": options})
    assert answer.headers["content-type"].startswith("text/event-stream")
    *chunks, usage = events(answer.text)
    choices = [chunk["choices"][0] for chunk in chunks]
    if path == CHAT:
        text, wanted = "".join(c["delta"]["content"] for c in choices), whole["choices"][0]["message"]["content"]
    else:
        text, wanted = "".join(c["text"] for c in choices), whole["choices"][0]["text"]
    assert text == wanted
    assert len(chunks) == 6 + (path == CHAT)
    assert usage["usage"]["completion_tokens"] == 6
    assert len({chunk["id"] for chunk in (*chunks, usage)}) == 1


#: What the official client of Python sends with a request (openai 3.57.0), and bodies in its way of writing.
OFFICIAL = {
    "authorization": "Bearer x", "accept": "application/json", "content-type": "application/json",
    "user-agent": "OpenAI/Python 3.57.0", "x-stainless-lang": "python", "x-stainless-package-version": "3.57.0",
    "x-stainless-async": "false", "x-stainless-retry-count": "0", "x-stainless-read-timeout": "600",
}  # fmt: skip


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, b'{"model":"small","messages":[{"role":"user","content":"hello there"}],"max_tokens":4}'),
        (CHAT, b'{"model":"small","messages":[{"role":"user","content":"hi"}],"max_completion_tokens":4,"user":"u"}'),
        (COMPLETION, b'{"model":"small","prompt":[1,2,3],"max_tokens":4,"echo":false,"logprobs":null,"n":1}'),
    ],
)
def test_the_bytes_of_the_official_client_are_understood(path, body):
    more = b',"stream":true,"stream_options":{"include_usage":true}}'
    with client() as http:
        whole = http.post(path, content=body, headers=OFFICIAL)
        streamed = http.post(path, content=body.removesuffix(b"}") + more, headers=OFFICIAL)
    assert whole.headers["content-type"] == "application/json"
    assert whole.json()["usage"]["completion_tokens"] == 4
    *_, last, usage = events(streamed.text)
    assert last["choices"][0]["finish_reason"] == "length" and usage["choices"] == []
    assert usage["usage"]["completion_tokens"] == 4


def test_an_answer_ends_by_itself_or_at_its_limit():
    with client(lengths=Lengths(np.array([5]))) as http:
        ended = http.post(COMPLETION, json={"prompt": "x", "max_tokens": 9}).json()
        cut = http.post(COMPLETION, json={"prompt": "x", "max_tokens": 3}).json()
        forced = http.post(COMPLETION, json={"prompt": "x", "max_tokens": 9, "ignore_eos": True}).json()
    assert [each["choices"][0]["finish_reason"] for each in (ended, cut, forced)] == ["stop", "length", "length"]
    assert [each["usage"]["completion_tokens"] for each in (ended, cut, forced)] == [5, 3, 9]


def test_the_next_round_of_a_conversation_finds_the_round_before():
    with client(instances=1) as http:
        first = http.post(CHAT, json={"messages": TALK, "max_tokens": 20, "ignore_eos": True}).json()
        said = {"role": "assistant", "content": first["choices"][0]["message"]["content"]}
        talk = [*TALK, said, {"role": "user", "content": "and now"}]
        second = http.post(CHAT, json={"messages": talk, "max_tokens": 2}).json()
    both = first["usage"]["total_tokens"] - 1  # the last token of an answer is never stored
    assert second["usage"]["prompt_tokens_details"]["cached_tokens"] == both // 4 * 4


def test_another_model_does_not_exist():
    with client() as http:
        answer = http.post(COMPLETION, json={"model": "other", "prompt": "x"})
    assert answer.status_code == 404 and answer.json()["error"]["param"] == "model"


def test_too_many_tokens_are_refused():
    with client() as http:
        long = http.post(COMPLETION, json={"prompt": list(range(1000)), "max_tokens": 1})
        longer = http.post(COMPLETION, json={"prompt": "x", "max_tokens": 1000})
        chat = http.post(CHAT, json={"messages": TALK, "ignore_eos": True})
    assert long.status_code == longer.status_code == 400
    assert "at most 1000 tokens" in longer.json()["error"]["message"]
    assert chat.json()["usage"]["total_tokens"] == 1000


def test_who_is_not_admitted_hears_429_and_when_to_come_back():
    bucket = Admission("token-bucket", parameters={"capacity_tokens": 10.0, "refill_tokens_per_s": 1.0})
    with client(admission=bucket, speed=1.0) as http:
        ok = http.post(COMPLETION, json={"prompt": list(range(10)), "max_tokens": 1})
        streamed = http.post(COMPLETION, json={"prompt": list(range(10)), "max_tokens": 1, "stream": True})
    assert ok.status_code == 200
    assert streamed.status_code == streamed.json()["error"]["code"] == 429
    assert 1 <= int(streamed.headers["retry-after"]) <= 10


def test_who_waits_too_long_at_the_gateway_hears_503():
    flow = FlowControl(enabled=True, max_concurrency=0.5, ttl_us=1000)
    with client(flow_control=flow, instances=1, speed=1.0) as http, ThreadPoolExecutor(2) as others:
        asked = {"prompt": "x", "max_tokens": 20, "ignore_eos": True}
        answers = [each.result() for each in [others.submit(http.post, COMPLETION, json=asked) for _ in range(2)]]
    assert sorted(answer.status_code for answer in answers) == [200, 503]


def test_classes_are_those_that_there_are():
    with client() as http:
        known = http.post(COMPLETION, json={"prompt": "x", "max_tokens": 1}, headers={CLASS_HEADER: "critical"})
        unknown = http.post(COMPLETION, json={"prompt": "x", "max_tokens": 1}, headers={CLASS_HEADER: "urgent"})
    assert known.status_code == 200
    assert unknown.status_code == 400 and "critical" in unknown.json()["error"]["message"]


def test_a_server_that_drains_takes_nobody():
    made = service()
    with client(made) as http:
        made.fleet.draining = True
        answer = http.post(COMPLETION, json={"prompt": "x"})
    assert answer.status_code == 503 and answer.headers["retry-after"] == "1"


def test_where_there_is_no_room_somebody_is_turned_away():
    made = service()
    with client(made) as http:
        made.fleet.submit = lambda *_, **__: None
        assert http.post(COMPLETION, json={"prompt": "x"}).status_code == 503


def test_a_cluster_takes_what_its_smallest_cache_holds():
    made = make_service(load_scenario(SCENARIO), "m", 1.0, Lengths(), Words())
    assert made.most_tokens == 200 * 16
