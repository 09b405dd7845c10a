"""Prometheus metrics of a gateway itself; those of the servers are theirs."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from blis.gateway.backends import Backend, Backends
from blis.gateway.desk import Desk

#: From a decision at once to one that waited in the gateway queue; of answers from the quickest to the longest.
_DECISION_S = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0)
_ANSWER_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0)


class Metrics:
    """What a gateway has done so far."""

    def __init__(self, backends: Backends, desk: Desk) -> None:
        """Nothing has come yet."""
        self._backends, self._desk = backends, desk
        self._registry = registry = CollectorRegistry()
        self._requests = Counter("blis_gateway_requests", "Requests answered, by status.", ["code"], registry=registry)
        self._attempts = Counter(
            "blis_gateway_attempts", "Requests sent to a backend.", ["backend", "outcome"], registry=registry
        )
        self.retries = Counter("blis_gateway_retries", "Requests sent elsewhere again.", registry=registry)
        self.cut = Counter("blis_gateway_streams_cut", "Streams that ended with an error.", registry=registry)
        self.decision_s = Histogram(
            "blis_gateway_decision_seconds", "Until it was decided.", buckets=_DECISION_S, registry=registry
        )
        self.first_s = Histogram(
            "blis_gateway_first_byte_seconds", "Until the answer began.", buckets=_ANSWER_S, registry=registry
        )
        self._in_flight = Gauge("blis_gateway_in_flight", "Requests that are here or sent on.", registry=registry)
        self._waiting = Gauge("blis_gateway_waiting", "Requests in the gateway queue.", registry=registry)
        self._up = Gauge("blis_gateway_backend_up", "Whether a backend gets requests.", ["backend"], registry=registry)
        self._load = Gauge("blis_gateway_backend_in_flight", "Requests sent there.", ["backend"], registry=registry)
        self.retried = self.streams_cut = 0

    def answered(self, code: int) -> None:
        """A request got this status."""
        self._requests.labels(str(code)).inc()

    def attempted(self, backend: Backend, outcome: str) -> None:
        """A request that was sent there has got this far: served, failed or given up."""
        self._attempts.labels(backend.url, outcome).inc()

    def retry(self) -> None:
        """A request goes elsewhere again."""
        self.retried += 1
        self.retries.inc()

    def cut_off(self) -> None:
        """A stream ended with an error."""
        self.streams_cut += 1
        self.cut.inc()

    def page(self) -> bytes:
        """Everything, in Prometheus' text format."""
        self._in_flight.set(len(self._desk.plane))
        self._waiting.set(self._desk.plane.waiting)
        for backend in self._backends:
            self._up.labels(backend.url).set(self._desk.plane.allowed(backend.number))
            self._load.labels(backend.url).set(self._desk.plane.in_flight(backend.number))
        return generate_latest(self._registry)
