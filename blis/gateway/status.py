"""What a gateway does at the moment, as JSON and for the dashboard."""

from __future__ import annotations

from collections import deque
from math import isinf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blis.engine.build.readers import kept_fields
from blis.gateway.backends import Backend
from blis.gateway.gateway import Gateway, Visit

#: Requests that are shown.
_LATEST = 20


class Status:
    """A gateway as its operator sees it."""

    def __init__(self, gateway: Gateway, policy: str) -> None:
        """policy: the router's, by name."""
        self._gateway, self._policy = gateway, policy
        self._fields = kept_fields(gateway.desk.plane.arrays.config)
        self._latest: deque[dict[str, Any]] = deque(maxlen=_LATEST)
        self._requests = 0
        gateway.on_end.append(self._note)

    def facts(self) -> dict[str, Any]:
        """Plain numbers; times in seconds since the start."""
        gateway, plane = self._gateway, self._gateway.desk.plane
        return {
            "policy": self._policy,
            "now_s": gateway.desk.now_us / 1e6,
            "late_ms": gateway.lag.late_s * 1e3,
            "draining": gateway.draining,
            "requests": self._requests,
            "in_flight": len(plane),
            "waiting_at_gateway": plane.waiting,
            "rejected": int(plane.arrays.cluster.rejected),
            "retried": gateway.metrics.retried,
            "streams_cut": gateway.metrics.streams_cut,
            "state": gateway.state.health(),
            "backends": [self._backend(backend) for backend in gateway.backends],
            "latest": [{**each, "views": self._shown(each["views"])} for each in self._latest],
        }

    def _backend(self, backend: Backend) -> dict[str, Any]:
        plane = self._gateway.desk.plane
        told = backend.reading
        return {
            "backend": backend.number,
            "url": backend.url,
            "state": backend.state,
            "why": backend.why,
            "silent_s": None if isinf(backend.seen_s) else round(self._gateway.desk.clock() - backend.seen_s, 3),
            "running": told and int(told.running),
            "waiting": told and int(told.waiting),
            "kv_usage": told and told.kv_share,
            "in_flight": plane.in_flight(backend.number),
            "served": int(plane.arrays.instances[backend.number].completed),
            "failed": backend.failed,
        }

    def _note(self, visit: Visit, status: int) -> None:
        """A request is over: what its decision was made on, if there was one."""
        self._requests += 1
        passage = visit.passage
        sent = passage is not None and not passage.rejected
        self._latest.appendleft(
            {
                "status": status,
                "backend": passage.instance if passage and sent else None,
                "input_tokens": passage.input_tokens if passage else None,
                "arrived_s": passage.arrival_us / 1e6 if passage else None,
                "seconds": (self._gateway.desk.now_us - passage.arrival_us) / 1e6 if passage else None,
                "views": self._gateway.desk.plane.views(passage) if passage and sent else None,
            }
        )

    def _shown(self, views: NDArray[np.void] | None) -> list[dict[str, float]]:
        """What was seen of every backend, with its score."""
        return (
            [] if views is None else [dict(zip(self._fields, row.tolist(), strict=True)) for row in views[self._fields]]
        )
