"""What a request over HTTP goes through: read, handed to the fleet, waited for, answered."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from secrets import token_hex

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from blis.config import CLASS_NAMES, Scenario
from blis.engine.live.live import Live
from blis.errors import in_short
from blis.serve.asks import READERS, Ask
from blis.serve.fleet import Answer, Fleet
from blis.serve.gone import unless_gone
from blis.serve.lengths import Lengths
from blis.serve.limits import read_body
from blis.serve.metrics import Metrics
from blis.serve.refusal import RefusedError
from blis.serve.replies import DONE, Reply, event
from blis.serve.senders import SESSION_HEADER, TENANT_HEADER, slo_class
from blis.serve.status import Status
from blis.serve.words import Words
from blis.tables.records import EXPIRED, REJECTED
from blis.workload.draw.streams import stream


@dataclass
class Service:
    """A fleet and what its endpoints share."""

    fleet: Fleet
    model: str
    policy: str
    most_tokens: int  # of a prompt and its answer
    lengths: Lengths = field(default_factory=Lengths)
    words: Words = field(default_factory=Words)

    def __post_init__(self) -> None:
        """Count what the fleet does from now on."""
        self.metrics = Metrics(self.fleet, self.model)
        self.status = Status(self.fleet, self.model, self.policy)
        self.uniform = stream(0, "requests/uniform")
        self.started = int(time.time())

    async def answer(self, request: Request) -> Response:
        """A completion, of a text or a chat."""
        body = await read_body(request)
        self._check_model(body.get("model"))
        ask = READERS[request.url.path](body, self.words)
        reply, answer = self._submit(ask, request)
        try:
            await unless_gone(request, answer.more_than(0 if ask.stream else answer.ticket.output_tokens - 1))
            self._check_served(answer)
        except BaseException:
            self.fleet.give_up(answer)
            raise
        if ask.stream:
            return StreamingResponse(self._events(ask, reply, answer), media_type="text/event-stream")
        return JSONResponse(reply.whole(answer.ticket.cached_tokens))

    async def _events(self, ask: Ask, reply: Reply, answer: Answer) -> AsyncIterator[str]:
        """The answer as it comes; an error in the middle is an event of its own. Whoever reads no more gives up."""
        try:
            yield reply.opening()
            sent = 0
            while sent < answer.ticket.output_tokens:
                await answer.more_than(sent)
                if answer.tokens == sent:
                    yield event(self._why(answer).body)
                    break
                yield "".join(map(reply.token, range(sent, answer.tokens)))
                sent = answer.tokens
            if ask.include_usage and answer.complete:
                yield reply.usage_event(answer.ticket.cached_tokens)
            yield DONE
        finally:
            self.fleet.give_up(answer)

    def _submit(self, ask: Ask, request: Request) -> tuple[Reply, Answer]:
        """Hand a request to the fleet."""
        if self.fleet.draining or self.fleet.failure:
            raise RefusedError(503, "the server is shutting down", retry_after_s=1)
        sent_as = slo_class(request, self.fleet.live.classes)
        count, finish_reason = self._length(ask)
        words, tokens = self.words.answer(ask.prompt, count)
        answer = self.fleet.submit(
            ask.prompt,
            tokens,
            finish_reason,
            slo_class=sent_as,
            tenant=request.headers.get(TENANT_HEADER, ask.user),
            session=request.headers.get(SESSION_HEADER, ""),
            uniform=self.uniform.random(),
        )
        if answer is None:
            raise RefusedError(503, "too many requests are in flight", retry_after_s=1)
        name = f"{'chatcmpl' if ask.chat else 'cmpl'}-{token_hex(12)}"
        return Reply(name, self.model, int(time.time()), ask.chat, words, finish_reason, len(ask.prompt)), answer

    def _length(self, ask: Ask) -> tuple[int, str]:
        """Tokens of the answer, and why it ends."""
        room = self.most_tokens - len(ask.prompt)
        if room < 1 or (ask.max_tokens or 1) > room:
            wanted = f"{len(ask.prompt)} of the prompt and {ask.max_tokens or 1} of the answer"
            raise RefusedError(400, f"at most {self.most_tokens} tokens fit, got {wanted}", "max_tokens")
        most = ask.max_tokens or room
        drawn = most if ask.ignore_eos else self.lengths.next()
        return (drawn, "stop") if drawn < most else (most, "length")

    def _check_model(self, name: object) -> None:
        """Raise RefusedError unless it is the one model; who names none means it."""
        if name is not None and name != self.model:
            raise RefusedError(404, f"the model {in_short(name)} does not exist; there is {self.model!r}", "model")

    def _check_served(self, answer: Answer) -> None:
        """Raise RefusedError if the request is over without an answer."""
        if answer.over and not answer.complete:
            raise self._why(answer)

    def _why(self, answer: Answer) -> RefusedError:
        """Why a request was not answered."""
        ticket = answer.ticket
        if self.fleet.failure:
            return RefusedError(500, f"the simulation failed: {self.fleet.failure}")
        if ticket.status is None:
            return RefusedError(503, "the server has shut down")
        if ticket.status != REJECTED:
            return RefusedError(503, "the request was dropped: it does not fit in the KV cache")
        wait_us = ticket.retry_after_us - self.fleet.now_us if ticket.retry_after_us >= 0 else 0
        wait_s = max(wait_us, 0) / 1e6 / self.fleet.speed
        if ticket.reason == EXPIRED:
            return RefusedError(503, "the request waited too long at the gateway", retry_after_s=wait_s)
        return RefusedError(429, "the cluster admits no more requests now", retry_after_s=wait_s)


def make_service(scenario: Scenario, model: str, speed: float, lengths: Lengths, words: Words) -> Service:
    """The service of a whole simulated cluster."""
    classes = tuple(dict.fromkeys(["", *scenario.slo_tiers, *CLASS_NAMES]))
    fleet = Fleet(Live(scenario, classes), speed)
    limits = [replica.instance.kv for replica in scenario.replicas]
    most = min(kv.blocks * kv.block_size_tokens for kv in limits)
    most = min(most, scenario.instance.engine.max_model_len or most, fleet.live.limits.tokens)
    return Service(fleet, model, scenario.cluster.routing.policy, most, lengths, words)
