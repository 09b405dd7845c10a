"""Servers of OpenAI's API with known delays, vLLM's metrics and faults on command, for thousands of connections each.

In a test: `async with Backend(ttft_s=0.2) as backend:`, then `backend.fault = "cut"`, `backend.down()`, `backend.up()`.
As a process: `python -m tests.blis.gateway.backends --port 9001 --ttft-ms 200 --itl-ms 20 --tokens 32`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Self

#: What becomes of a request for an answer; `half-open` is silent about everything else too.
FAULTS = {
    "": "it is answered",
    "cut": "the connection is closed after `cut_after` tokens of a stream, or half of a whole answer",
    "hang-up": "the connection is closed without a word",
    "silent": "nothing comes, ever",
    "half-open": "connections are accepted, and nothing comes, ever, whatever is asked",
    "500": "status 500",
    "503": "status 503 with Retry-After",
    "malformed": "a stream whose third event is no JSON and whose end is not said; a whole answer that is half of one",
}

MODEL = "m"
JSON, TEXT = "application/json", "text/plain; version=0.0.4"
CHAT, COMPLETIONS = "/v1/chat/completions", "/v1/completions"


@dataclass
class Asked:
    """One request that came."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def chat(self) -> bool:
        return self.path == CHAT


@dataclass
class Backend:
    """One server; everything of it may be changed between two requests."""

    port: int = 0
    ttft_s: float = 0.0
    itl_s: float = 0.0
    tokens: int = 32  # of an answer to which no max_tokens says otherwise
    fault: str = ""
    times: int | None = None  # how many requests the fault still meets; None: all
    cut_after: int = 2
    retry_after_s: int = 7
    waiting: int = 0
    kv_usage: float = 0.0
    block_size: int = 16
    blocks: int = 1000
    says: bytes | None = None  # instead of an answer; then the connection is closed
    page: str | None = None  # instead of its metrics
    models: str | None = MODEL  # its model; None: it cannot say

    asked: deque[Asked] = field(default_factory=lambda: deque(maxlen=10_000))
    looked_up: dict[str, dict[str, str]] = field(default_factory=dict)  # headers of the latest look at each page
    connections: set[Connection] = field(default_factory=set)
    running: int = 0
    answered: int = 0
    given_up: int = 0  # whose client went away before the end
    _listening: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def up(self) -> None:
        """Listen, at the port of the last time if there was one."""
        loop = asyncio.get_running_loop()
        self._listening = await loop.create_server(lambda: Connection(self), "127.0.0.1", self.port, backlog=4096)
        self.port = self._listening.sockets[0].getsockname()[1]

    def down(self) -> None:
        """As a process that is killed: no connection stays, and new ones are refused."""
        if self._listening:
            self._listening.close()
            self._listening = None
        for connection in list(self.connections):
            connection.hang_up()

    async def __aenter__(self) -> Self:
        await self.up()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.down()

    def next_fault(self) -> str:
        """The fault that meets the request at hand."""
        if self.times == 0:
            return ""
        if self.fault and self.times:
            self.times -= 1
        return self.fault

    def metrics(self) -> str:
        """A page of vLLM's."""
        if self.page is not None:
            return self.page
        name = f'{{engine="0",model_name="{MODEL}"}}'
        sizes = f'block_size="{self.block_size}",num_gpu_blocks="{self.blocks}"'
        return (
            "# TYPE vllm:num_requests_running gauge\n"
            f"vllm:num_requests_running{name} {float(self.running)}\n"
            "# TYPE vllm:num_requests_waiting gauge\n"
            f"vllm:num_requests_waiting{name} {float(self.waiting)}\n"
            "# TYPE vllm:kv_cache_usage_perc gauge\n"
            f"vllm:kv_cache_usage_perc{name} {self.kv_usage}\n"
            "# TYPE vllm:cache_config_info gauge\n"
            f'vllm:cache_config_info{{engine="0",{sizes},enable_prefix_caching="True"}} 1.0\n'
        )


class Connection(asyncio.Protocol):
    """One client's connection: requests one after the other, each answered at its times."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._buffer = bytearray()
        self._answering = False
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._backend.connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._backend.connections.discard(self)
        if self._timer:
            self._timer.cancel()
        if self._answering:
            self._backend.given_up += 1
            self._backend.running -= 1
            self._answering = False

    def hang_up(self) -> None:
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._answering:
            self._next()

    def _next(self) -> None:
        """Take the next whole request there is."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        first, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        whole = end + 4 + int(headers.get("content-length", 0))
        if len(self._buffer) < whole:
            return
        body = bytes(self._buffer[end + 4 : whole])
        del self._buffer[:whole]
        path = first.split(" ")[1]
        if self._backend.says is not None and first.startswith("POST"):
            self._backend.asked.append(Asked(path, headers, json.loads(body)))
            self._transport.write(self._backend.says)
            self._transport.close()
        elif path in (CHAT, COMPLETIONS):
            self._ask(Asked(path, headers, json.loads(body)))
        elif self._backend.fault != "half-open":
            self._look_up(path, headers)

    def _look_up(self, path: str, headers: dict[str, str]) -> None:
        """Answer what needs no time."""
        self._backend.looked_up[path] = headers
        model = {
            "id": self._backend.models,
            "object": "model",
            "created": 0,
            "owned_by": "test",
            "max_model_len": 16_384,
        }
        pages: dict[str, Callable[[], tuple[str, str]]] = {
            "/health": lambda: ("", TEXT),
            "/metrics": lambda: (self._backend.metrics(), TEXT),
            "/v1/models": lambda: (json.dumps({"object": "list", "data": [model]}), JSON),
        }
        page = path.partition("?")[0]
        if page == "/v1/models" and self._backend.models is None:
            self._refuse("500")
        elif page in pages:
            self._whole(*pages[page]())
        else:
            self._whole(json.dumps({"error": {"message": f"no {path}", "code": 404}}), status="404 Not Found")

    def _ask(self, asked: Asked) -> None:
        backend = self._backend
        backend.asked.append(asked)
        backend.running += 1
        self._answering = True
        fault = backend.next_fault()
        if fault in ("silent", "half-open"):
            return
        if fault == "hang-up":
            self.hang_up()
        elif fault in ("500", "503"):
            self._refuse(fault)
            self._done()
        else:
            self._start(asked, fault)

    def _refuse(self, status: str) -> None:
        error = {"error": {"message": "on command", "type": "server_error", "code": int(status)}}
        wait = f"Retry-After: {self._backend.retry_after_s}\r\n" if status == "503" else ""
        self._whole(json.dumps(error), status=f"{status} On Command", more=wait)

    def _start(self, asked: Asked, fault: str) -> None:
        """Answer as soon as it is time."""
        backend, loop = self._backend, asyncio.get_running_loop()
        tokens = asked.body.get("max_tokens") or asked.body.get("max_completion_tokens") or backend.tokens
        first_s = loop.time() + backend.ttft_s
        if not asked.body.get("stream"):
            due_s = first_s + backend.itl_s * (tokens - 1)
            self._timer = loop.call_at(due_s, self._answer_whole, asked, tokens, fault)
            return
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        if asked.chat:
            self._transport.write(_role())
        self._timer = loop.call_at(first_s, self._token, asked, 0, tokens, first_s, fault)

    def _token(self, asked: Asked, number: int, tokens: int, first_s: float, fault: str) -> None:
        """Send one token of a stream, and see to the next."""
        backend = self._backend
        if fault == "cut" and number == backend.cut_after:
            self.hang_up()
            return
        if fault == "malformed" and number == 2:
            self._transport.write(_chunk(b"data: {half of\n\n") + b"0\r\n\r\n")
            self._done()
            return
        self._transport.write(_piece(asked.chat, number))
        if number + 1 < tokens:
            due_s = first_s + backend.itl_s * (number + 1)
            call_at = asyncio.get_running_loop().call_at
            self._timer = call_at(due_s, self._token, asked, number + 1, tokens, first_s, fault)
            return
        self._transport.write(_finish(asked.chat))
        if (asked.body.get("stream_options") or {}).get("include_usage"):
            self._transport.write(
                _event({"object": _kind(asked.chat, ".chunk"), "choices": [], "usage": _usage(tokens)})
            )
        self._transport.write(_chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n")
        self._done()

    def _answer_whole(self, asked: Asked, tokens: int, fault: str) -> None:
        text = _whole_text(asked.chat, tokens)
        if fault == "malformed":
            text = text[: len(text) // 2]
        self._whole(text, cut=fault == "cut")
        if fault == "cut":
            self._transport.close()  # after what was written
        else:
            self._done()

    def _whole(self, text: str, kind: str = JSON, status: str = "200 OK", more: str = "", cut: bool = False) -> None:
        """An answer in one piece; cut: half of it."""
        content = text.encode()
        head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{more}Content-Length: {len(content)}\r\n\r\n"
        self._transport.write(head.encode() + (content[: len(content) // 2] if cut else content))

    def _done(self) -> None:
        """The request is answered: take the next."""
        self._answering, self._timer = False, None
        self._backend.running -= 1
        self._backend.answered += 1
        if self._buffer:
            self._next()


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _event(document: dict[str, Any]) -> bytes:
    document = {"id": "on-command", "created": 0, "model": MODEL, **document}
    return _chunk(b"data: " + json.dumps(document).encode() + b"\n\n")


def _kind(chat: bool, end: str = "") -> str:
    return f"chat.completion{end}" if chat else "text_completion"


def _usage(tokens: int) -> dict[str, int]:
    return {"prompt_tokens": 8, "completion_tokens": tokens, "total_tokens": 8 + tokens}


def _choice(part: dict[str, Any], finish: str | None = None) -> list[dict[str, Any]]:
    return [{"index": 0, **part, "finish_reason": finish}]


@lru_cache
def _role() -> bytes:
    choices = _choice({"delta": {"role": "assistant", "content": ""}})
    return _event({"object": _kind(True, ".chunk"), "choices": choices})


@lru_cache(maxsize=10_000)
def _piece(chat: bool, number: int) -> bytes:
    """The chunk of a token."""
    word = f" w{number}"
    choices = _choice({"delta": {"content": word}} if chat else {"text": word})
    return _event({"object": _kind(chat, ".chunk"), "choices": choices})


@lru_cache
def _finish(chat: bool) -> bytes:
    choices = _choice({"delta": {}} if chat else {"text": ""}, "length")
    return _event({"object": _kind(chat, ".chunk"), "choices": choices})


@lru_cache(maxsize=1000)
def _whole_text(chat: bool, tokens: int) -> str:
    """The answer in one piece."""
    text = "".join(f" w{number}" for number in range(tokens))
    choices = _choice({"message": {"role": "assistant", "content": text}} if chat else {"text": text}, "length")
    document = {"id": "on-command", "object": _kind(chat), "created": 0, "model": MODEL, "choices": choices}
    return json.dumps({**document, "usage": _usage(tokens)})


async def serve(backend: Backend) -> None:
    """Serve for good."""
    async with backend:
        print(backend.url, flush=True)
        await asyncio.Event().wait()


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(prog="python -m tests.blis.gateway.backends", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 = any, which is printed")
    parser.add_argument("--ttft-ms", type=float, default=0.0)
    parser.add_argument("--itl-ms", type=float, default=0.0)
    parser.add_argument("--tokens", type=int, default=32, help="of an answer to which no max_tokens says otherwise")
    parser.add_argument("--fault", choices=FAULTS, default="")
    options = parser.parse_args()
    backend = Backend(options.port, options.ttft_ms / 1e3, options.itl_ms / 1e3, options.tokens, options.fault)
    asyncio.run(serve(backend))


if __name__ == "__main__":
    main()
