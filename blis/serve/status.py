"""What a fleet does at the moment, as JSON and for the dashboard."""

from __future__ import annotations

from collections import deque
from typing import Any

from blis.serve.fleet import Answer, Fleet
from blis.tables.records import COMPLETED, REASONS, REJECTED, STATUS_NAMES

#: Requests that are shown.
_LATEST = 20


class Status:
    """A fleet as its operator sees it."""

    def __init__(self, fleet: Fleet, model: str, policy: str) -> None:
        """policy: the router's, by name."""
        self._fleet, self._model, self._policy = fleet, model, policy
        self._latest: deque[dict[str, Any]] = deque(maxlen=_LATEST)
        fleet.on_end.append(self._note)

    def _note(self, answer: Answer) -> None:
        """A request is over."""
        ticket = answer.ticket
        status = "aborted" if ticket.given_up else STATUS_NAMES[COMPLETED if ticket.status is None else ticket.status]
        self._latest.appendleft(
            {
                "arrived_s": ticket.arrival_us / 1e6,
                "status": status,
                "reason": REASONS[ticket.reason] if ticket.status == REJECTED else "",
                "instance": None if ticket.instance < 0 else ticket.instance,
                "input_tokens": ticket.input_tokens,
                "cached_tokens": ticket.cached_tokens,
                "output_tokens": answer.tokens,
                "ttft_ms": (ticket.token_us[0] - ticket.arrival_us) / 1e3 if answer.tokens else None,
                "e2e_ms": (ticket.token_us[-1] - ticket.arrival_us) / 1e3 if answer.complete else None,
            }
        )

    def facts(self) -> dict[str, Any]:
        """Plain numbers; times of the simulated clock."""
        fleet, arrays = self._fleet, self._fleet.live.arrays
        return {
            "model": self._model,
            "policy": self._policy,
            "speed": fleet.speed,
            "now_s": fleet.now_us / 1e6,
            "late_ms": fleet.late_s * 1e3,
            "draining": fleet.draining,
            "in_flight": len(fleet.live),
            "waiting_at_gateway": int(arrays.cluster.waiting),
            "rejected": int(arrays.cluster.rejected),
            "instances": [self._instance(i) for i in range(len(arrays.instances))],
            "latest": list(self._latest),
        }

    def _instance(self, i: int) -> dict[str, Any]:
        arrays = self._fleet.live.arrays
        instance = arrays.instances[i]
        looked_up = int(instance.lookup_blocks)
        return {
            "instance": i,
            "running": int(instance.batch_size),
            "waiting": int(instance.queue_depth),
            "kv_usage": int(instance.used_blocks) / int(arrays.engines[i].blocks),
            "hit_rate": int(instance.lookup_hit_blocks) / looked_up if looked_up else 0.0,
            "routed": int(instance.routed),
            "completed": int(instance.completed),
            "preemptions": int(instance.preemptions),
        }
