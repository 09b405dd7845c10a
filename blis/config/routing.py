"""Where requests go: filters, scorers, picker, and how fresh the signals are that they read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from blis.config.limits import MAX_TIME_US, MAX_WEIGHT
from blis.errors import InputError, check_choice, check_integer, check_number
from blis.policies.filters import FILTERS
from blis.policies.routing import ROUTING
from blis.policies.scorers import SCORERS

TIE_BREAKS = ("first", "random")
PICKERS = ("max", "weighted-random")


def check_once(key: str, names: Sequence[str | float]) -> None:
    """Raise InputError if a name is there twice."""
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{key} names {name!r} twice")


@dataclass(frozen=True)
class Scorer:
    """One term of a weighted routing score, and its parameters (SCORERS says which it has)."""

    name: str
    weight: float
    parameters: dict[str, float] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        """Check name and parameters, and that the weight is finite and above zero."""
        SCORERS.values(self.name, self.parameters)
        check_number(f"weight of routing scorer {self.name!r}", self.weight, 0, MAX_WEIGHT, above=0)


def default_scorers() -> tuple[Scorer, ...]:
    """The original's profile for `weighted` when no scorers are given (cluster-and-policies.md 4.3)."""
    return Scorer("prefix-affinity", 3.0), Scorer("queue-depth", 2.0), Scorer("kv-utilization", 2.0)


@dataclass(frozen=True)
class Filter:
    """One filter before the scores, and its parameters (FILTERS says which it has)."""

    name: str
    parameters: dict[str, float] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        """Check name and parameters."""
        FILTERS.values(self.name, self.parameters)


@dataclass(frozen=True)
class Signal:
    """How old a router's view of one signal may be: read on the grid k * age_us, 0 = live."""

    age_us: int = 0

    def __post_init__(self) -> None:
        """Check the age."""
        check_integer("signals.*.age_us", self.age_us, 0, MAX_TIME_US)


@dataclass(frozen=True)
class Signals:
    """Freshness of each signal; what the router itself knows is always live."""

    queue_depth: Signal = field(default_factory=Signal)
    batch_size: Signal = field(default_factory=Signal)
    kv: Signal = field(default_factory=Signal)
    cache: Signal = field(default_factory=Signal)
    lora: Signal = field(default_factory=Signal)  # whose requests run and wait where


@dataclass(frozen=True)
class Routing:
    """Where requests go (docs/policies.md section 3)."""

    policy: str = "round-robin"
    latency_us: int = 0
    snapshot_refresh_us: int = 0  # > 0: the kv signal is re-read lazily, as the original does it
    filters: tuple[Filter, ...] = ()
    scorers: tuple[Scorer, ...] = field(default_factory=default_scorers)
    parameters: dict[str, float] = field(default_factory=dict, hash=False)
    picker: str = "max"
    tie_break: str = "random"  # as llm-d's picker does; "first" by index, as the original
    signals: Signals = field(default_factory=Signals)
    prefix_index_blocks: int = 10_000  # LRU capacity of the router's prefix index, an instance
    prefix_index_block_tokens: int = 0  # tokens of a block there, 0 = those of a KV block
    prefix_index_max_tokens: int = 0  # what lies behind so many tokens of a prompt is not looked at, 0 = all is

    def __post_init__(self) -> None:
        """Check names, latencies, and that no scorer or filter is given twice."""
        ROUTING.code(self.policy)
        check_choice("routing.picker", self.picker, PICKERS)
        check_choice("routing.tie_break", self.tie_break, TIE_BREAKS)
        check_integer("routing.latency_us", self.latency_us, 0, MAX_TIME_US)
        check_integer("routing.snapshot_refresh_us", self.snapshot_refresh_us, 0, MAX_TIME_US)
        check_integer("routing.prefix_index_blocks", self.prefix_index_blocks, 1, 2**31 - 1)
        check_integer("routing.prefix_index_block_tokens", self.prefix_index_block_tokens, 0, 2**20)
        check_integer("routing.prefix_index_max_tokens", self.prefix_index_max_tokens, 0, 2**31 - 1)
        ROUTING.values(self.policy, self.parameters)
        if self.snapshot_refresh_us and self.signals.kv.age_us:
            raise InputError("routing.snapshot_refresh_us and routing.signals.kv.age_us exclude each other")
        check_once("routing.scorers", [scorer.name for scorer in self.scorers])
        check_once("routing.filters", [one.name for one in self.filters])
        if self.policy == "weighted" and not self.scorers:
            raise InputError("routing.scorers must not be empty with policy 'weighted'")
        if self.picker == "weighted-random" and self.policy != "weighted":
            raise InputError("routing.picker 'weighted-random' needs policy 'weighted'")
