"""From services to listening ports, and from Ctrl-C to an orderly end."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Protocol

import uvicorn
from starlette.types import ASGIApp

from blis.errors import EngineError, InputError
from blis.serve.connection import Connection

#: How often it is looked at whether all requests have ended.
_DRAIN_LOOK_S = 0.05
#: How long a connection may be idle or take for the headers of a request; as nginx has it.
_KEEP_ALIVE_S = 75
#: Objects that come before those that are left of them are looked at, by generation: a request makes some hundred.
_COLLECT_AFTER = (20_000, 20, 100)


class Served(Protocol):
    """What is behind an application: it may fail, and is let come to its end."""

    draining: bool  # set: nothing new is taken
    failure: Exception | None

    @property
    def in_flight(self) -> int:
        """Requests that are not over."""

    def abandon(self) -> None:
        """All requests are over, whatever they have got."""


@dataclass(frozen=True)
class Port:
    """An application, what is behind it, and the socket where it listens."""

    app: ASGIApp
    served: Served
    listener: socket.socket


class _Server(uvicorn.Server):
    """A server among several: signals are the business of whoever runs them all."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0: any that is free. Raises InputError if there is none to be had."""
    with ExitStack() as unless_it_listens:
        try:
            family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            listener = socket.socket(family, kind, protocol)  # only where TCP is said does asyncio send tokens at once
            unless_it_listens.callback(listener.close)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(where)
            listener.listen(4096)
        except (OSError, OverflowError) as error:
            raise InputError(f"cannot listen on {host}:{port}: {error}") from error
        unless_it_listens.pop_all()
    return listener


def address(listener: socket.socket) -> str:
    """The URL of a socket that listens."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(ports: list[Port], drain_s: float, say: Callable[[str], None], access_log: bool = False) -> None:
    """Serve until Ctrl-C or SIGTERM; then take no more requests and wait for those that run, so long at most.

    say: takes one line for the user. Raises EngineError if a simulation fails.
    """
    asyncio.run(_serve(ports, drain_s, say, access_log))


async def _serve(ports: list[Port], drain_s: float, say: Callable[[str], None], access_log: bool) -> None:
    gc.freeze()  # what is here now stays: collecting garbage among it takes longer than requests
    gc.set_threshold(*_COLLECT_AFTER)
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    servers = [_Server(_config(port.app, access_log)) for port in ports]
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # what clients do wrong is their business
    running = [
        asyncio.create_task(server.serve(sockets=[port.listener])) for server, port in zip(servers, ports, strict=True)
    ]
    waiting = asyncio.create_task(stop.wait())
    failing = asyncio.create_task(_failure(ports))
    await asyncio.wait({waiting, failing, *running}, return_when=asyncio.FIRST_COMPLETED)
    if not failing.done():
        await _drain(ports, drain_s, stop, say)
    for server in servers:
        server.should_exit = True
    await asyncio.gather(*running)
    waiting.cancel()
    failing.cancel()
    if failure := next((port.served.failure for port in ports if port.served.failure), None):
        raise EngineError(f"the server failed: {failure}")


def _config(app: ASGIApp, access_log: bool) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=Connection,
        ws="none",
        lifespan="on",
        access_log=access_log,
        log_level="info",
        timeout_graceful_shutdown=1,
        timeout_keep_alive=_KEEP_ALIVE_S,
        server_header=False,
    )


async def _failure(ports: list[Port]) -> None:
    """Return when something has failed."""
    while not any(port.served.failure for port in ports):
        await asyncio.sleep(1)


async def _drain(ports: list[Port], drain_s: float, stop: asyncio.Event, say: Callable[[str], None]) -> None:
    """No request more comes; wait for those that run, unless the user is tired of it."""
    for port in ports:
        port.served.draining = True
    here = sum(port.served.in_flight for port in ports)
    if here:
        say(f"no more requests are taken; {here} that run have {drain_s:g} s to end (Ctrl-C again: now)")
    stop.clear()
    end_s = asyncio.get_running_loop().time() + drain_s
    while any(port.served.in_flight for port in ports) and not stop.is_set():
        if asyncio.get_running_loop().time() >= end_s:
            break
        await asyncio.sleep(_DRAIN_LOOK_S)
    for port in ports:
        port.served.abandon()
