"""`python -m benchmarks.load`: a cheap load of closed-loop clients on loopback, in a process of its own.

Each client has one connection and asks again when it is answered. Raw asyncio, no parser: an answer is over when its
length is reached or its last chunk is there. Prints a line of JSON for every so many answers and one at the end, with
the times in µs. It ends by itself: after so many seconds or requests, and a while for the answers under way.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import time
from collections import Counter
from dataclasses import dataclass, field

#: Those under way at the end are given so long; what then lacks its answer has none.
GRACE_S = 60.0

#: A client that met an error waits so long, and so many connect at once.
PAUSE_S, CONNECTING = 0.1, 256

#: A prompt that clients share, and their own.
_SYSTEM = " ".join(f"rule{number}" for number in range(100))

_LAST_CHUNK = b"\r\n0\r\n\r\n"


@dataclass
class Load:
    """What is asked for, and what came of it."""

    ports: list[int]
    clients: int
    seconds: float
    requests: int
    stream: bool = False
    tokens: int = 8
    report: int = 0  # print a line for every so many answers
    ramp_s: float = 0.0  # clients begin one after another over so long, or they go in step for ever
    grace_s: float = GRACE_S

    errors: Counter[str] = field(default_factory=Counter)
    ttft_us: list[int] = field(default_factory=list)
    e2e_us: list[int] = field(default_factory=list)
    asked: int = 0
    under_way: int = 0
    end_s: float = 0.0

    def goes_on(self) -> bool:
        """Whether there is to be another request."""
        return self.asked < self.requests and time.perf_counter() < self.end_s

    def request(self, client: int) -> bytes:
        """The bytes of a client's request."""
        prompt = f"{_SYSTEM} client {client} asks"
        body = json.dumps({"model": "m", "prompt": prompt, "max_tokens": self.tokens, "stream": self.stream}).encode()
        head = "POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        return f"{head}X-Session-Id: client-{client}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body

    def note(self, start_s: float, first_s: float, error: str) -> None:
        """One answer is over, well or not."""
        if error:
            self.errors[error] += 1
        else:
            self.ttft_us.append(round((first_s - start_s) * 1e6))
            self.e2e_us.append(round((time.perf_counter() - start_s) * 1e6))
        over = len(self.e2e_us) + self.errors.total()
        if self.report and over % self.report == 0:
            print(json.dumps({"over": over}), flush=True)


class Connection(asyncio.Protocol):
    """A connection that has one request under way at most; `ask` gives when its first bytes came, and its error."""

    def __init__(self) -> None:
        """Not connected yet."""
        self.lost = False
        self._head: bytes | None = b""
        self._left: int | None = None
        self._tail = self._status = b""
        self._first_s = 0.0
        self._broken = self._last = False
        self._answer: asyncio.Future[tuple[float, str]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It can be asked."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        """It cannot any more."""
        self.lost = True
        self._over("closed")

    def ask(self, request: bytes) -> asyncio.Future[tuple[float, str]]:
        """Send a request; what comes is known when its answer is over."""
        self._answer = asyncio.get_running_loop().create_future()
        self._head, self._tail, self._first_s, self._broken = b"", b"", 0.0, False
        self._transport.write(request)
        return self._answer

    def close(self) -> None:
        """Hang up."""
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Some of an answer."""
        if self._head is not None:
            self._head += data
            head, told, data = self._head.partition(b"\r\n\r\n")
            if not told:
                return
            self._read(head.lower())
        if data and not self._first_s:
            self._first_s = time.perf_counter()
        if self._left is not None:
            self._left -= len(data)
            over = self._left <= 0
        else:
            self._broken |= b'"error"' in data
            self._tail = (self._tail + data)[-40:]
            over = self._tail.endswith(_LAST_CHUNK)
        if over:
            self._over(self._error())

    def _read(self, head: bytes) -> None:
        self._head, self._status = None, head[9:12]
        self._last = b"connection: close" in head
        _, told, length = head.partition(b"content-length:")
        self._left = int(length.partition(b"\r\n")[0]) if told else None

    def _error(self) -> str:
        if self._status != b"200":
            return self._status.decode()
        whole = self._left is not None or b"[DONE]" in self._tail
        return "" if whole and not self._broken else "ended early"

    def _over(self, error: str) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_result((self._first_s, error))
        if self._last:
            self.lost = True
            self._transport.close()


async def connect(port: int) -> Connection:
    """A connection to a port of this machine. Raises OSError."""
    _, connection = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", port)
    return connection


async def client(load: Load, number: int, connection: Connection | None) -> None:
    """Ask, and ask again when answered, as long as the load goes on."""
    request, port = load.request(number), load.ports[number % len(load.ports)]
    await asyncio.sleep(load.ramp_s * number / load.clients)
    while load.goes_on():
        load.asked += 1
        load.under_way += 1
        start_s = time.perf_counter()
        try:
            if connection is None or connection.lost:
                connection = await connect(port)
            first_s, error = await connection.ask(request)
        except OSError as refused:
            first_s, error = 0.0, type(refused).__name__
        load.under_way -= 1
        load.note(start_s, first_s, error)
        if error:
            await asyncio.sleep(PAUSE_S)


async def connected(ports: list[int], count: int) -> list[Connection | None]:
    """So many connections, a few at a time, the ports in turn; None where none was to be had."""
    turn = asyncio.Semaphore(CONNECTING)

    async def one(port: int) -> Connection | None:
        async with turn:
            try:
                return await connect(port)
            except OSError:
                return None

    return await asyncio.gather(*(one(ports[number % len(ports)]) for number in range(count)))


async def run(load: Load) -> dict[str, object]:
    """Everything that became of a load."""
    connections = await connected(load.ports, load.clients)
    start_s = time.perf_counter()
    load.end_s = start_s + load.seconds
    clients = [asyncio.create_task(client(load, number, each)) for number, each in enumerate(connections)]
    _, waiting = await asyncio.wait(clients, timeout=load.seconds + load.grace_s)
    took_s = time.perf_counter() - start_s
    if load.under_way:
        load.errors["no answer"] = load.under_way
    for each in waiting:
        each.cancel()
    return {"took_s": took_s, "errors": dict(load.errors), "ttft_us": load.ttft_us, "e2e_us": load.e2e_us}


async def hold(port: int, count: int, seconds: float) -> None:
    """Open connections, ask each once whether the server is well, and keep them open; say when they are."""
    connections = [each for each in await connected([port], count) if each]
    ask = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    for at in range(0, len(connections), CONNECTING):
        await asyncio.gather(*(each.ask(ask) for each in connections[at : at + CONNECTING]))
    print(json.dumps({"open": sum(not each.lost for each in connections)}), flush=True)
    await asyncio.sleep(seconds)
    print(json.dumps({"open": sum(not each.lost for each in connections)}), flush=True)


def main() -> None:
    """Load, and print what came of it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--ports", required=True, help="of this machine, with commas; clients take them in turn")
    parser.add_argument("--clients", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--stream", action="store_true")
    parser.add_argument("--tokens", type=int, default=8)
    parser.add_argument("--report", type=int, default=0, metavar="N", help="say when N more are over")
    parser.add_argument("--ramp", type=float, default=0.0, metavar="S", help="clients begin over so long")
    parser.add_argument("--hold", action="store_true", help="only keep the connections open")
    options = parser.parse_args()
    ports = [int(port) for port in options.ports.split(",")]
    if options.hold:
        asyncio.run(hold(ports[0], options.clients, options.seconds))
        return
    gc.freeze()  # what is imported is not looked at again
    load = Load(
        ports,
        options.clients,
        options.seconds,
        options.requests,
        options.stream,
        options.tokens,
        options.report,
        options.ramp,
    )
    print(json.dumps(asyncio.run(run(load))))


if __name__ == "__main__":
    main()
