"""One request to a server, and everything that may become of it."""

from __future__ import annotations

import asyncio
import gzip
import logging
import socket
from collections.abc import Callable

import pytest

from blis.observe import endpoint as module
from blis.observe.asking import APIS, Asking
from blis.observe.breaker import FAILURES
from blis.observe.endpoint import Endpoint, UnreadError
from blis.observe.seen import Clock, Seen
from tests.blis.observe.server import JSON, Asked, Server, answers, event, served

KEY = "sk-very-secret-0123456789"


def asked(server: Server | str, times: int = 1, together: bool = False, **changes: object) -> list[Seen]:
    """What becomes of some requests to one endpoint."""

    async def run() -> list[Seen]:
        url = server if isinstance(server, str) else server.url
        async with Endpoint(Asking(url, "m", **changes), Clock()) as endpoint:
            if together:
                return await asyncio.gather(*(endpoint.ask("one two", 4) for _ in range(times)))
            return [await endpoint.ask("one two", 4) for _ in range(times)]

    return asyncio.run(run())


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_and_when_it_came(api, stream):
    with served(answers(first_s=0.05, gap_s=0.02)) as server:
        (seen,) = asked(server, api=api, stream=stream)
    assert seen.ok and (seen.input_tokens, seen.output_tokens) == (5, 4)
    assert len(seen.chunk_us) == (4 if stream else 1)
    assert seen.chunk_us[0] - seen.sent_us >= (50_000 if stream else 110_000)
    assert seen.chunk_us[-1] - seen.sent_us >= 110_000


def test_what_is_posted():
    with served(answers()) as server:
        asked(server, key=KEY, api="chat")
        asked(server.url + "/v1/", stream=False, extras=())
    chat, plain = server.asked
    assert chat.path == "/v1/chat/completions" and plain.path == "/v1/completions"
    assert chat.headers["authorization"] == f"Bearer {KEY}" and "authorization" not in plain.headers
    assert chat.body == {
        "model": "m",
        "messages": [{"role": "user", "content": "one two"}],
        "max_tokens": 4,
        "stream": True,
        "stream_options": {"include_usage": True},
        "ignore_eos": True,
    }
    assert plain.body == {"model": "m", "prompt": "one two", "max_tokens": 4, "stream": False}


def test_the_first_chunk_of_a_chat_has_a_role_and_is_no_token():
    async def late_text(asked: Asked) -> None:
        asked.head()
        await asked.send(event({"choices": [{"delta": {"role": "assistant", "content": ""}}]}))
        await asyncio.sleep(0.05)
        await asked.send(asked.piece("x", finish="stop"))
        await asked.end()

    with served(late_text) as server:
        (seen,) = asked(server, api="chat")
    assert seen.ok and len(seen.chunk_us) == 1 and seen.chunk_us[0] - seen.sent_us >= 50_000


@pytest.mark.parametrize(("count", "tokens"), [(None, 2), (lambda text: len(text.encode().split()), 4)])
def test_without_usage_a_tokenizer_counts_else_chunks_do(count, tokens):
    async def no_usage(asked: Asked) -> None:
        asked.head()
        for text in ("a b", " c \ud83d"):  # JSON can spell half a letter
            await asked.send(asked.piece(text))
        await asked.send("data: [DONE]\n\n")
        await asked.end()

    with served(no_usage) as server:
        (seen,) = asked(server, count=count)
    assert seen.ok and seen.output_tokens == tokens and seen.input_tokens is None


def test_several_tokens_a_chunk_are_counted_by_the_usage():
    with served(answers(tokens_a_chunk=2)) as server:
        (seen,) = asked(server)
    assert (len(seen.chunk_us), seen.output_tokens) == (2, 4)


def test_bytes_may_be_cut_anywhere():
    async def bitwise(asked: Asked) -> None:
        asked.head()
        stream = asked.piece("é") + ": alive\r\n\r\n" + asked.piece("b", "length") + "data:[DONE]\r\n\r\n"
        for byte in stream.encode():
            await asked.send(bytes([byte]))
        await asked.end()

    with served(bitwise) as server:
        (seen,) = asked(server)
    assert seen.ok and len(seen.chunk_us) == 2


def test_connections_are_used_again():
    with served(answers()) as server:
        assert all(seen.ok for seen in asked(server, times=5))
    assert len({id(asked.writer) for asked in server.asked}) == 1


def test_a_stream_that_stays_open_behind_its_end_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(module, "_AFTER_DONE_S", 0.05)

    stayed = []

    async def lingering(asked: Asked) -> None:
        asked.head()
        await asked.send(asked.piece("x", "stop") + "data: [DONE]\n\n")
        await asyncio.sleep(20)
        stayed.append(asked)
        asked.hang_up()

    with served(lingering) as server:
        (seen,) = asked(server)
    assert seen.ok and not stayed


# Faults


def status(number: int, message: str = "", times: int = 10**6, **headers: str) -> Callable:
    """So many answers of a status, then whole ones."""
    left = [times]

    async def behave(asked: Asked) -> None:
        left[0] -= 1
        if left[0] < 0:
            await answers()(asked)
        else:
            await asked.whole({"error": {"message": message}}, number, **headers)

    return behave


async def malformed(asked: Asked) -> None:
    asked.head()
    await asked.send(asked.piece("x") + "data: {half\n\n")
    await asked.end()


async def cut_off(asked: Asked) -> None:
    asked.head()
    await asked.send(asked.piece("x"))
    await asyncio.sleep(0.05)
    asked.hang_up()


async def ended_early(asked: Asked) -> None:
    asked.head()
    await asked.send(asked.piece("x"))
    await asked.end()


async def error_inside(asked: Asked) -> None:
    asked.head()
    await asked.send(asked.piece("x") + event({"error": {"message": "engine died", "code": 500}}))
    await asked.end()


async def without_text(asked: Asked) -> None:
    asked.head()
    await asked.send(asked.piece("", "stop") + "data: [DONE]\n\n")
    await asked.end()


async def no_json(asked: Asked) -> None:
    await asked.whole("<html>", kind="text/html")


async def untyped(asked: Asked) -> None:
    await asked.whole("{half", kind="")


async def compressed(asked: Asked) -> None:
    asked.head(content_encoding="gzip")
    await asked.send(gzip.compress(asked.piece("x", "stop").encode()))
    await asked.end()


@pytest.mark.parametrize(
    ("behave", "changes", "error", "chunks"),
    [
        (status(500, "boom"), {}, "HTTP 500: boom", 0),
        (status(404, "no model m"), {}, "HTTP 404: no model m", 0),
        (status(400, "half a letter \ud83d, \x1b[31mred"), {}, "HTTP 400: half a letter ?, ?[31mred", 0),
        (malformed, {}, "no JSON: {half", 1),
        (cut_off, {}, "peer closed connection without sending complete message body", 1),
        (ended_early, {}, "the stream ended before the answer did", 1),
        (error_inside, {}, "engine died", 1),
        (without_text, {}, "an answer without text", 0),
        (no_json, {}, "it came with content type 'text/html': the stream ended before the answer did", 0),
        (no_json, {"stream": False}, "it came with content type 'text/html': no JSON: <html>", 0),
        (untyped, {"stream": False}, "it came with no content type: no JSON: {half", 0),
        (compressed, {}, "content type 'text/event-stream', compressed by 'gzip': the stream ended", 0),
    ],
)
def test_a_broken_answer_is_an_error_is_not_asked_for_again_and_keeps_what_came(behave, changes, error, chunks):
    with served(behave) as server:
        (seen,) = asked(server, **changes)
    assert seen.status == "error" and error in seen.error
    assert len(seen.chunk_us) == chunks and seen.tries == 1 == len(server.asked)


@pytest.mark.parametrize("stream", [True, False])
def test_what_is_wrong_with_an_answer_in_the_right_form_is_said_alone(stream):
    async def broken(asked: Asked) -> None:
        await asked.whole("data: {half\n\n" if stream else "{half", kind="text/event-stream" if stream else JSON)

    with served(broken) as server:
        (seen,) = asked(server, stream=stream)
    assert seen.error == "no JSON: {half"


@pytest.mark.parametrize(
    ("location", "named"),
    [
        ("/login?key=very-secret", "http://(address)/login"),
        ("https://me:very-secret@login.example/v2/", "https://login.example/v2/"),
    ],
)
def test_a_redirect_is_not_followed_and_named_without_what_may_be_secret(location, named):
    async def away(asked: Asked) -> None:
        await asked.whole("<html>moved", 302, "text/html", Location=location)

    async def metrics(url: str) -> str:
        async with Endpoint(Asking(url, "m"), Clock()) as endpoint:
            return await endpoint.metrics()

    with served(away) as server:
        (seen,) = asked(server)
        server.metrics_from = away
        with pytest.raises(UnreadError) as unread:
            asyncio.run(metrics(server.url))
    assert seen.error == str(unread.value) == f"HTTP 302: it redirects to {named}, which is not followed"
    assert seen.tries == 1 == len(server.asked)


@pytest.mark.parametrize("number", [429, 502, 503, 504])
def test_a_busy_server_is_asked_again_and_the_time_is_that_of_the_last_try(number, monkeypatch):
    monkeypatch.setattr(module, "_BACKOFF_S", 0.05)
    with served(status(number, times=2)) as server:
        began_us = Clock().now_us()
        (seen,) = asked(server)
    assert seen.ok and seen.tries == 3 == len(server.asked)
    assert server.asked[1].at_s - server.asked[0].at_s >= 0.05 and server.asked[2].at_s - server.asked[1].at_s >= 0.1
    assert seen.sent_us - began_us >= 149_000


def test_retry_after_is_heeded():
    with served(status(429, "later", times=1, Retry_After="1")) as server:
        (seen,) = asked(server)
    assert seen.ok and server.asked[1].at_s - server.asked[0].at_s >= 1


def test_who_stays_busy_is_an_error(monkeypatch):
    monkeypatch.setattr(module, "_BACKOFF_S", 0.01)
    with served(status(503, "overloaded")) as server:
        (seen,) = asked(server, retries=1)
    assert seen.status == "error" and seen.error == "HTTP 503: overloaded" and len(server.asked) == 2


@pytest.mark.parametrize("when", ["headers", "middle"])
def test_an_answer_that_does_not_end_in_time_is_a_timeout(when):
    async def slow(asked: Asked) -> None:
        if when == "middle":
            asked.head()
            await asked.send(asked.piece("x"))
        await asyncio.sleep(3600)

    with served(slow) as server:
        (seen,) = asked(server, timeout_s=1)
    assert seen.status == "timeout" and seen.error == "no whole answer in 1 s"
    assert len(seen.chunk_us) == (when == "middle")


def closed_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


@pytest.mark.parametrize("address", ["http://127.0.0.1:{port}", "http://no.such.host.invalid:{port}"])
def test_who_cannot_be_reached_is_an_error_without_its_address(address, monkeypatch):
    monkeypatch.setattr(module, "_BACKOFF_S", 0.01)
    port = closed_port()
    (seen,) = asked(address.format(port=port))
    assert seen.status == "error" and seen.tries == 3 and seen.error
    assert str(port) not in seen.error and "invalid" not in seen.error


def test_a_server_that_hangs_up_without_a_word_is_asked_again(monkeypatch):
    monkeypatch.setattr(module, "_BACKOFF_S", 0.01)
    first = [True]

    async def behave(asked: Asked) -> None:
        if first:
            first.clear()
            asked.hang_up()
        else:
            await answers()(asked)

    with served(behave) as server:
        (seen,) = asked(server)
    assert seen.ok and seen.tries == 2


def test_nobody_knocks_for_ever_where_nobody_is(monkeypatch):
    found = asked(f"http://127.0.0.1:{closed_port()}", times=FAILURES + 3, retries=0)
    assert all(seen.sent_us > 0 for seen in found[:FAILURES])
    assert {seen.error for seen in found[FAILURES:]} == {"not sent: 5 requests in a row did not reach the server"}
    assert all(seen.sent_us < 0 for seen in found[FAILURES:])


def test_an_error_has_no_key_in_it_not_even_half_of_one(caplog):
    caplog.set_level(logging.DEBUG)
    with served(status(401, "x" * 170 + f" wrong key {KEY} for this")) as server:
        (seen,) = asked(server, key=KEY)
    assert "HTTP 401" in seen.error and len(seen.error) <= 201
    assert "sk-very" not in seen.error + repr(seen) and KEY not in caplog.text


def test_a_request_that_is_cancelled_is_seen_as_interrupted():
    async def slow(asked: Asked) -> None:
        asked.head()
        await asked.send(asked.piece("x"))
        await asyncio.sleep(3600)

    async def run(url: str) -> Seen:
        async with Endpoint(Asking(url, "m"), Clock()) as endpoint:
            task = asyncio.create_task(endpoint.ask("one", 4))
            await asyncio.sleep(0.3)
            task.cancel()
            return await task

    with served(slow) as server:
        seen = asyncio.run(run(server.url))
    assert (seen.status, seen.error, len(seen.chunk_us)) == ("error", "interrupted", 1)


def test_a_handshake_measures_the_way_and_nobody_to_shake_hands_with_measures_nothing():
    async def run(url: str) -> float:
        async with Endpoint(Asking(url, "m"), Clock()) as endpoint:
            return await endpoint.round_trip_us()

    with served(answers(first_s=0.5)) as server:
        assert asyncio.run(run(server.url)) > 0
        assert server.asked == []
    assert asyncio.run(run(f"http://127.0.0.1:{closed_port()}")) == 0


def test_many_at_once_are_answered():
    async def wait_for_all(asked: Asked) -> None:
        while len(server.asked) < 100:
            await asyncio.sleep(0.01)
        await answers()(asked)

    with served(wait_for_all) as server:
        assert all(seen.ok for seen in asked(server, times=100, together=True, timeout_s=60))
