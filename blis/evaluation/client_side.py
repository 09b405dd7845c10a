"""What clients saw: the server's latencies, and the way there and back (workload-and-calibration.md section 12)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from blis.evaluation.distribution import Distribution, known
from blis.tables.client_side import client_side_us
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable

CLIENT_SIDE = "client_side"


@dataclass(frozen=True)
class ClientSide:
    """Latencies in ms, round trip and transfers included; of the same requests as the server's."""

    ttft: Distribution
    e2e: Distribution

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for JSON."""
        return self.ttft.flat("ttft") | self.e2e.flat("e2e")


def client_side(requests: RequestTable, result: ResultTable) -> ClientSide | None:
    """The latencies of a run where any client has a network between itself and the server; else None."""
    seen = client_side_us(requests, result)
    return None if seen is None else ClientSide(*map(known, seen))
