"""`Recording`: requests that a real server answered, and when; `StepLog`: what its steps consisted of and took."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from blis.tables.network import Network
from blis.tables.requests import RequestTable

#: What a server said of itself at one instant of a recording; engines: of how many, 0 = it did not say.
MOMENT = np.dtype([("time_us", "i8"), ("running", "f8"), ("waiting", "f8"), ("kv_share", "f8"), ("engines", "i8")])


@dataclass(frozen=True)
class Server:
    """What answered, as far as the log says: "", 0 or None where it does not."""

    model: str = ""
    gpu: str = ""
    tp: int = 0
    vllm: str = ""  # version
    engine: str = ""  # as `instance.engine` of a scenario, where the server was simulated
    instances: int = 0  # that answered
    max_running: int = 0
    max_scheduled_tokens: int = 0
    kv_blocks: int = 0
    block_size_tokens: int = 0
    max_model_len: int = 0
    async_scheduling: bool | None = None

    def over(self, other: Server) -> Server:
        """The same, and where it says nothing what another one says."""
        unknown = Server()
        return replace(other, **{name: value for name, value in vars(self).items() if value != getattr(unknown, name)})


@dataclass(frozen=True)
class Recording:
    """Requests in the order of their arrival, which are µs since the first of them, and what became of them."""

    source: str  # names of the files
    requests: RequestTable
    first_token_us: NDArray[np.int64]  # [n] on the clock of the arrivals, -1 if not known: the answer came in one piece
    completed_us: NDArray[np.int64]  # [n]
    warm_up: NDArray[np.bool_]  # [n] sent to warm the server up
    scheduled_us: NDArray[np.int64] | None = None  # [n] when the engine let it in for the first time, if known
    taken_up: bool = False  # arrivals are when the engine took requests up, not when they came to it
    client_side: bool = False  # times were read by the client, not by the engine
    server: Server = field(default_factory=Server)
    network: Network = field(default_factory=Network)
    timeline: NDArray[np.void] | None = None  # [instants] MOMENT, since some instant near the first arrival
    failed: int = 0  # requests of the log that are left out because they got no answer
    invalid: int = 0  # and those whose times are not in order
    notes: tuple[str, ...] = ()  # what a reader of figures made from it should know

    def __len__(self) -> int:
        """The number of requests."""
        return len(self.requests)

    @property
    def scored(self) -> NDArray[np.bool_]:
        """[n] those that are not there to warm up."""
        return ~self.warm_up

    @property
    def streamed(self) -> NDArray[np.bool_]:
        """[n] those whose first token has a time."""
        return self.first_token_us >= 0

    @property
    def ttft_us(self) -> NDArray[np.float64]:
        """[n] from arrival to first token, NaN where that is not known."""
        return np.where(self.streamed, self.first_token_us - self.requests.arrival_us, np.nan)

    @property
    def e2e_us(self) -> NDArray[np.float64]:
        """[n] from arrival to last token."""
        return (self.completed_us - self.requests.arrival_us).astype(np.float64)

    @property
    def tpot_us(self) -> NDArray[np.float64]:
        """[n] between two tokens on average, NaN for outputs of one and where no first token is known."""
        gaps = self.requests.output_tokens - 1
        return np.where(gaps > 0, (self.e2e_us - self.ttft_us) / np.maximum(gaps, 1), np.nan)

    def without_warm_up(self, count: int) -> Recording:
        """The same where also the first `count` requests are there to warm up."""
        return replace(self, warm_up=self.warm_up | (np.arange(len(self)) < count))


@dataclass(frozen=True)
class StepLog:
    """Steps of an engine, each timed."""

    source: str
    steps: NDArray[np.void]  # [steps] blis.tables.records.KEPT_STEP; start_us may be 0
    server: Server = field(default_factory=Server)
