"""What a request goes through: read, its customer's limits, decided on, sent on, its answer passed back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from secrets import token_hex

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from blis.config import Breaker, Retries
from blis.engine.live.control_plane import ControlPlane, Passage
from blis.engine.records import NONE
from blis.gateway.asked import Asked, read_asked
from blis.gateway.attempts import Attempts
from blis.gateway.backends import Backend, Backends
from blis.gateway.customers import Allowance, Customers
from blis.gateway.desk import Desk
from blis.gateway.forward import Forwarder, Opened, Timeouts, sent_on
from blis.gateway.lag import Lag
from blis.gateway.metrics import Metrics
from blis.gateway.passing import Passing
from blis.gateway.scenario import AGAIN, BREAKER
from blis.gateway.state import State
from blis.gateway.watch import Times, Watch
from blis.serve.gone import GoneError, unless_gone
from blis.serve.limits import json_object, read_raw
from blis.serve.refusal import RefusedError
from blis.serve.senders import SESSION_HEADER, TENANT_HEADER, slo_class
from blis.serve.words import Words
from blis.tables.records import EXPIRED, NO_INSTANCE
from blis.workload.draw.streams import stream

#: What a backend that is to get nothing new is called in the registry, and any other.
DRAINING, ACTIVE = "draining", "active"

#: What is larger takes a while to read, in which others are served.
_LARGE_BYTES = 2**18


@dataclass(frozen=True)
class Rules:
    """What an operator may set."""

    times: Times = field(default_factory=Times)
    timeouts: Timeouts = field(default_factory=Timeouts)
    allowance: Allowance = field(default_factory=Allowance)
    sticky: bool = False  # a session stays on its server as long as that is up, whatever the policy says
    retries: Retries = AGAIN
    breaker: Breaker = BREAKER
    connections: int = 0  # to one server, 0 = as many as it takes


class Visit:
    """One request at the gateway: what it holds is given back once, when it is over."""

    def __init__(self) -> None:
        """Nothing is known, and nothing held."""
        self.customer: str | None = None
        self.passage: Passage | None = None
        self.over = False


class Gateway:
    """Everything between a client and the servers."""

    def __init__(
        self, plane: ControlPlane, urls: list[str], rules: Rules, state: State, words: Words, say: Callable[[str], None]
    ) -> None:
        """urls: of the servers, as many as the plane has instances. say: takes one line for the operator."""
        self.rules, self.state, self._words, self._say = rules, state, words, say
        self.desk = Desk(plane)
        self.backends = Backends(urls, rules.times.offline_s, rules.breaker, self.desk.clock, self.desk.allow)
        self.metrics = Metrics(self.backends, self.desk)
        self.lag = Lag()
        self.draining = False
        self.failure: Exception | None = None
        self.on_end: list[Callable[[Visit, int], None]] = []  # told of every visit and its status
        self._customers = Customers(rules.allowance, state.budgets)
        self._numbers = {backend.url: backend.number for backend in self.backends}
        self._uniform = stream(0, "requests/uniform")

    @property
    def in_flight(self) -> int:
        """Requests that are here or sent on."""
        return len(self.desk.plane)

    async def run(self, begun: asyncio.Event) -> None:
        """Watch servers and decide until cancelled; begun: is set once it is known who is there.

        What the state remembers is there by now.
        """
        rules = self.rules
        for backend in self.backends:
            known = self.state.registry.get(backend.url)
            self.backends.drain(backend, known is not None and known.value == DRAINING)
        self.forwarder = Forwarder(rules.timeouts, rules.connections)
        self._attempts = Attempts(self.backends, self.desk, self.forwarder, rules.retries, self.metrics)
        watch = Watch(self.backends, self.desk, self.forwarder, rules.times, self._note)
        try:
            await watch.begin()
            begun.set()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.lag.run())
                tasks.create_task(self.desk.run())
                tasks.create_task(watch.run())
        except Exception as error:
            self.failure = error
            raise
        finally:
            begun.set()
            await self.forwarder.close()

    def _note(self, text: str) -> None:
        """Tell the operator who comes and goes, as long as it matters."""
        if not self.draining:
            self._say(text)

    def abandon(self) -> None:
        """Nobody is waited for any more; whoever is here is told so."""
        self.backends.abandon("the gateway is shutting down")

    def drain(self, backend: Backend, draining: bool) -> None:
        """Whether a server gets nothing new from now on, and after a restart."""
        self.backends.drain(backend, draining)
        self.state.registry.put(backend.url, DRAINING if draining else ACTIVE)

    async def answer(self, request: Request) -> Response:
        """The answer of a server."""
        visit = Visit()
        try:
            asked = await self._read(request)
            customer = _customer(request, asked)
            self._customers.come(customer, len(asked.prompt) + asked.max_tokens)
            visit.customer = customer
            opened = await unless_gone(request, self._reach(visit, customer, request, asked))
        except BaseException as error:
            self._end(visit, _status(error))
            raise
        if opened.rest is None:
            self._end(visit, opened.status)
            return Response(opened.body, opened.status, opened.headers)
        silence_s = self.rules.timeouts.silence_s
        return Passing(self._events(visit, opened), opened.headers, lambda: self._over(visit, opened), silence_s)

    async def _read(self, request: Request) -> Asked:
        """What is asked. Raises RefusedError: it cannot be now, or it is nothing to be asked."""
        if self.draining or self.failure:
            raise RefusedError(503, "the gateway is shutting down", retry_after_s=1)
        if self.lag.too_much:
            raise RefusedError(503, "the gateway has more to do than it can", retry_after_s=1)
        where, raw = target(request), await read_raw(request)
        if len(raw) > _LARGE_BYTES:
            return await asyncio.to_thread(self._understand, where, raw)
        return self._understand(where, raw)

    def _understand(self, where: str, raw: bytes) -> Asked:
        return read_asked(where, raw, json_object(raw), self._words)

    async def _reach(self, visit: Visit, customer: str, request: Request, asked: Asked) -> Opened:
        """Somebody's answer, or its beginning."""
        began_s = self.desk.clock()
        session, headers = request.headers.get(SESSION_HEADER, ""), sent_on(request.headers)
        headers.setdefault("x-request-id", token_hex(16))
        visit.passage = passage = await self._place(request, asked, customer, session)
        self.metrics.decision_s.observe(self.desk.clock() - began_s)
        opened = await self._attempts.open(passage, asked, headers)
        self.metrics.first_s.observe(self.desk.clock() - began_s)
        if session:
            self.state.sessions.put(session, self.backends[passage.instance].url)
        return opened

    async def _place(self, request: Request, asked: Asked, customer: str, session: str) -> Passage:
        """Where the request is to go. Raises RefusedError if nowhere."""
        known = self.state.sessions.get(session) if session else None
        home = self._numbers.get(known.value, NONE) if known else NONE
        passage = await self.desk.place(
            asked.prompt,
            asked.max_tokens,
            slo_class=slo_class(request, self.desk.plane.classes),
            tenant=customer,
            session=session,
            uniform=self._uniform.random(),
            home=home,
            stick=self.rules.sticky,
        )
        if passage is None:
            raise RefusedError(503, "too many requests are in flight", retry_after_s=1)
        if passage.rejected:
            raise self._why(passage)
        return passage

    async def _events(self, visit: Visit, opened: Opened) -> AsyncIterator[bytes]:
        assert visit.passage is not None
        yield opened.body
        async for data in self._attempts.rest(visit.passage, opened):
            yield data

    def _over(self, visit: Visit, opened: Opened) -> None:
        """A stream is, or its client has gone."""
        assert visit.passage is not None
        if not opened.ended:
            self._attempts.give_up(visit.passage, opened)
        self._end(visit, opened.ended or 499)

    def _end(self, visit: Visit, status: int) -> None:
        """The request is over, with this status for the client; 499: it did not wait."""
        if visit.over:
            return
        visit.over = True
        self.metrics.answered(status)
        if visit.customer is not None:
            self._customers.go(visit.customer)
        if visit.passage and not visit.passage.rejected:
            self.desk.leave(visit.passage, status < 400)
        for listener in self.on_end:
            listener(visit, status)

    def _why(self, passage: Passage) -> RefusedError:
        """Why a request was rejected."""
        wait_s = max(passage.retry_after_us - self.desk.now_us, 0) / 1e6 if passage.retry_after_us >= 0 else 0.0
        if passage.reason == NO_INSTANCE:
            return RefusedError(503, "no server is up", retry_after_s=1)
        if passage.reason == EXPIRED:
            return RefusedError(503, "the request waited too long at the gateway", retry_after_s=wait_s)
        return RefusedError(429, "the cluster admits no more requests now", retry_after_s=wait_s)


def target(request: Request) -> str:
    """Path and query as they came. Raises RefusedError for a path that leads out of where it begins."""
    if not {".", ".."}.isdisjoint(request.scope["path"].split("/")):
        raise RefusedError(404, "a path must not lead elsewhere")
    path, query = request.scope["raw_path"].decode("latin-1"), request.scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path


def _status(error: BaseException) -> int:
    """What a client got instead of an answer; 499: it did not wait."""
    if isinstance(error, RefusedError):
        return error.status
    return 499 if isinstance(error, GoneError | ClientDisconnect | asyncio.CancelledError) else 500


def _customer(request: Request, asked: Asked) -> str:
    """Who asks: as the header says, or the body, or else one for each key; a key itself is kept nowhere."""
    name = request.headers.get(TENANT_HEADER) or asked.user
    key = request.headers.get("authorization", "")
    return name or (blake2b(key.encode(), digest_size=8).hexdigest() if key else "")
