"""A server of OpenAI's API with known delays and faults, on raw sockets: what it sends is cut where a test wants."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

JSON, SSE = "application/json", "text/event-stream"

#: Every word is a token, and a prompt has so many more.
TEMPLATE_TOKENS = 3


@dataclass
class Asked:
    """One request that came, and what it is answered with."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    writer: asyncio.StreamWriter
    at_s: float

    @property
    def prompt(self) -> str:
        return self.body["messages"][0]["content"] if "messages" in self.body else self.body["prompt"]

    @property
    def prompt_tokens(self) -> int:
        return len(self.prompt.split()) + TEMPLATE_TOKENS

    def usage(self, tokens: int) -> dict[str, Any]:
        return {"prompt_tokens": self.prompt_tokens, "completion_tokens": tokens}

    def piece(self, text: str, finish: str | None = None) -> str:
        """A chunk with a text, of whichever API was asked."""
        part = {"delta": {"content": text}} if "messages" in self.body else {"text": text}
        return event({"choices": [{"index": 0, **part, "finish_reason": finish}]})

    async def send(self, data: bytes | str) -> None:
        """Bytes as a chunk of HTTP's own kind."""
        data = data.encode() if isinstance(data, str) else data
        self.writer.write(b"%x\r\n%s\r\n" % (len(data), data))
        await self.writer.drain()

    async def end(self) -> None:
        self.writer.write(b"0\r\n\r\n")
        await self.writer.drain()

    def head(self, status: int = 200, kind: str = SSE, **headers: str) -> None:
        """The beginning of an answer that comes in chunks."""
        lines = [f"HTTP/1.1 {status} Status", f"Content-Type: {kind}", "Transfer-Encoding: chunked"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.writer.write("\r\n".join([*lines, "", ""]).encode())

    async def whole(self, document: Any, status: int = 200, kind: str = JSON, **headers: str) -> None:
        """An answer in one piece."""
        self.head(status, kind, **headers)
        await self.send(document if isinstance(document, str) else json.dumps(document))
        await self.end()

    def hang_up(self) -> None:
        self.writer.transport.abort()


def event(document: Any) -> str:
    return f"data: {json.dumps(document)}\n\n"


Behaviour = Callable[[Asked], Awaitable[None]]

METRICS = """\
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="m"} 3.0
vllm:num_requests_running{engine="1",model_name="m"} 1.0
vllm:num_requests_waiting{engine="0",model_name="m"} 2.0
vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.25
vllm:kv_cache_usage_perc{engine="1",model_name="m"} 0.75
"""


def answers(first_s: float = 0.0, gap_s: float = 0.0, tokens_a_chunk: int = 1) -> Behaviour:
    """Answers as vLLM does: a role first (chat), words after known times, why it ended, the usage, [DONE]."""

    async def behave(asked: Asked) -> None:
        tokens = asked.body["max_tokens"]
        words = [f" w{number}" for number in range(tokens)]
        chunks = ["".join(words[at : at + tokens_a_chunk]) for at in range(0, tokens, tokens_a_chunk)]
        if not asked.body["stream"]:
            await asyncio.sleep(first_s + gap_s * (len(chunks) - 1))
            part = {"message": {"content": "".join(words)}} if "messages" in asked.body else {"text": "".join(words)}
            await asked.whole({"choices": [{**part, "finish_reason": "length"}], "usage": asked.usage(tokens)})
            return
        asked.head()
        if "messages" in asked.body:
            await asked.send(event({"choices": [{"delta": {"role": "assistant", "content": ""}}]}))
        for number, chunk in enumerate(chunks):
            await asyncio.sleep(gap_s if number else first_s)
            await asked.send(asked.piece(chunk))
        await asked.send(asked.piece("", finish="length"))
        await asked.send(event({"choices": [], "usage": asked.usage(tokens)}))
        await asked.send("data: [DONE]\n\n")
        await asked.end()

    return behave


@dataclass
class Server:
    """A server that runs in a thread; `asked` is what came, `behave` may be changed between two requests."""

    behave: Behaviour
    asked: list[Asked] = field(default_factory=list)
    port: int = 0
    metrics: str = METRICS
    metrics_from: Behaviour | None = None  # answers for /metrics instead

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *lines = head.decode().split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                path = first.split()[1]
                asked = Asked(path, headers, json.loads(body or "{}"), writer, asyncio.get_running_loop().time())
                if path.endswith("/metrics") and self.metrics_from:
                    await self.metrics_from(asked)
                elif path.endswith("/metrics"):
                    await asked.whole(self.metrics, kind="text/plain")
                else:
                    self.asked.append(asked)
                    await self.behave(asked)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@contextmanager
def served(behave: Behaviour) -> Iterator[Server]:
    """A server for as long as the block."""
    server, loop, ready = Server(behave), asyncio.new_event_loop(), threading.Event()
    stop = asyncio.Event()

    async def run() -> None:
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, limit=1 << 24)
        server.port = listening.sockets[0].getsockname()[1]
        ready.set()
        await stop.wait()
        listening.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()
