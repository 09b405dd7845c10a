"""The workload specification: field names are the YAML keys; each class checks its own numbers.

Source: workload-and-calibration.md section 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from blis.config import MAX_TIME_US
from blis.errors import InputError, check_choice, check_integer, check_number
from blis.sums import total
from blis.workload.draw.arrivals import MAX_RATE, MAX_REQUESTS
from blis.workload.draw.effects import check_effects
from blis.workload.draw.given_files import with_files_read
from blis.workload.draw.inference_perf import BLOCK, with_clients_of_stages
from blis.workload.draw.rates import RateOverTime, make_clock
from blis.workload.draw.reuse import ReuseCell, check_reuse
from blis.workload.draw.senders import Client, Population, Sender
from blis.workload.draw.servegen import ServeGenData
from blis.yaml_strict import build, check_mapping, load_mapping, plain

DEFAULT_PREFIX_TOKENS = 50  # of a prefix group for which no client gives a length
VERSIONS = ("1", "2")
_THAT_OF_DATA = 0.0  # the rate until the data are known
CATEGORIES = ("", "language", "multimodal", "reasoning")


@dataclass(frozen=True)
class WorkloadSpec:
    """A workload: `clients`, a `population` or both, or those of ServeGen's data, and how much of it.

    aggregate_rate: arrivals per second over all of them; of multi-turn clients, sessions. num_requests: 0 = no limit;
    horizon: µs, left out = none; arrivals at or after it are left out; something must end the workload.
    seed: the population's (prefix lengths); requests come from a table's own seed.
    version: "1" or "2": whether conversations run open or closed loop where no client says. name: for people.
    category: for people. rate_over_time: of all who have none of their own. reuse: how prompts repeat earlier ones,
    whoever sent them; what is repeated stands in place of prefixes.
    """

    aggregate_rate: float
    name: str = ""
    version: str = "1"
    category: str = ""
    seed: int = 0
    num_requests: int = 0
    horizon: int | None = None
    clients: tuple[Client, ...] = ()
    population: Population | None = None
    rate_over_time: RateOverTime | None = None
    servegen_data: ServeGenData | None = None
    reuse: tuple[ReuseCell, ...] | None = None

    def __post_init__(self) -> None:
        """Check all that concerns more than one client."""
        check_choice("version", self.version, VERSIONS)
        check_choice("category", self.category, CATEGORIES)
        if self.servegen_data is not None and self.aggregate_rate == _THAT_OF_DATA:
            object.__setattr__(self, "aggregate_rate", self.servegen_data.mean_rate)
        check_number("aggregate_rate", self.aggregate_rate, 0, MAX_RATE, above=0)
        check_integer("seed", self.seed, 0)
        check_integer("num_requests", self.num_requests, 0, MAX_REQUESTS)
        if self.horizon is not None:
            check_integer("horizon", self.horizon, 1, MAX_TIME_US)
        described = bool(self.clients) or self.population is not None
        if described == (self.servegen_data is not None):
            found = "both" if described else "neither"
            raise InputError(f"clients (at least one) or a population, or servegen_data, must be given, got {found}")
        first: dict[str, int] = {}
        for i, name in enumerate(self.sender_names):
            if first.setdefault(name, i) != i:
                raise InputError(f"clients[{i}].id: {name!r} is already the name of clients[{first[name]}]")
        if self.reuse is not None:
            check_reuse(self.reuse)
        check_effects(self._places, self.rate_over_time)
        self.group_prefix_tokens()
        if self.num_requests == 0 and self.horizon is None and not all(map(self._ends, self.senders)):
            raise InputError("num_requests or horizon must be given: nothing else ends the workload")

    @cached_property
    def listed_clients(self) -> tuple[Client, ...]:
        """The clients, those of ServeGen's data included."""
        return self.clients if self.servegen_data is None else self.servegen_data.clients

    @cached_property
    def senders(self) -> tuple[Client | Population, ...]:
        """All who send: the clients in order, then the population."""
        return self.listed_clients if self.population is None else (*self.listed_clients, self.population)

    @cached_property
    def sender_names(self) -> tuple[str, ...]:
        """Their names, which name random streams; that of the population is empty."""
        names = (client.id or f"client_{i}" for i, client in enumerate(self.listed_clients))
        return tuple(names) if self.population is None else (*names, "")

    @cached_property
    def rate_shares(self) -> tuple[float, ...]:
        """The share that each sender has of the aggregate rate."""
        weights = [1.0 if sender.rate_fraction is None else sender.rate_fraction for sender in self.senders]
        whole = total(weights)
        return tuple(weight / whole for weight in weights)

    def rates_of(self, sender: Sender) -> RateOverTime | None:
        """How its rate changes; None if it does not."""
        found = self.rate_over_time if sender.rate_over_time is None else sender.rate_over_time
        return None if found == RateOverTime() else found

    def closed_loop(self, sender: Sender) -> bool:
        """Whether its conversations wait for their answers."""
        return self.version != "1" if sender.closed_loop is None else sender.closed_loop

    @property
    def counts(self) -> str:
        """What its rate counts: where there are conversations, their starts."""
        talking = [sender.multi_turn is not None for sender in self.senders]
        return "conversations" if all(talking) else "conversations and requests" if any(talking) else "requests"

    @property
    def notes(self) -> tuple[str, ...]:
        """What was not taken as it stands in the files that are named, a line each."""
        return () if self.servegen_data is None else self.servegen_data.notes

    def group_prefix_tokens(self) -> dict[str, int]:
        """Prefix group -> length of its prefix. Raises InputError if two clients say different lengths."""
        lengths: dict[str, int] = {}
        for i, client in enumerate(self.listed_clients):
            if client.prefix_length is not None:
                known = lengths.setdefault(client.prefix_group, client.prefix_length)
                if known != client.prefix_length:
                    raise InputError(
                        f"clients[{i}].prefix_length: {client.prefix_length}, but another client"
                        f" of group {client.prefix_group!r} says {known}"
                    )
        groups = {client.prefix_group: DEFAULT_PREFIX_TOKENS for client in self.listed_clients if client.prefix_group}
        return groups | lengths

    @property
    def _places(self) -> dict[str, Client | Population]:
        """Those who are named here, by their keys."""
        named: dict[str, Client | Population] = {f"clients[{i}]": client for i, client in enumerate(self.clients)}
        return named if self.population is None else named | {"population": self.population}

    def _ends(self, sender: Sender) -> bool:
        """Whether it sends nothing more from some time on."""
        clock = make_clock(self.rates_of(sender), sender.lifecycle)
        return clock is not None and clock.stops


def load_spec(source: str | Path | Mapping[str, Any]) -> WorkloadSpec:
    """A specification from a YAML file or a mapping; files that it names are read.

    Strict: raises InputError naming file and key path for unknown, duplicate and missing keys, wrong
    types and numbers out of range.
    """
    if isinstance(source, Mapping):
        return _from_mapping(check_mapping(source, "workload"))
    mapping = load_mapping(source)
    try:
        return _from_mapping(mapping)
    except InputError as error:
        raise InputError(f"{source}: {error}") from None


def spec_mapping(spec: WorkloadSpec) -> dict[str, Any]:
    """The specification as plain objects, which `load_spec` reads back equal; equal specs give equal mappings."""
    mapping: dict[str, Any] = plain(spec)
    if not spec.clients:
        del mapping["clients"]
    return mapping


def _from_mapping(mapping: dict[str, Any]) -> WorkloadSpec:
    version = mapping.get("version")
    if isinstance(version, int) and not isinstance(version, bool):
        mapping = mapping | {"version": str(version)}  # YAML reads an unquoted 1 as a number
    if BLOCK in mapping:
        mapping = with_clients_of_stages(mapping)
    if mapping.get("servegen_data") is not None:
        if "aggregate_rate" in mapping:
            check_number("aggregate_rate", mapping["aggregate_rate"], above=0)
        mapping = {"aggregate_rate": _THAT_OF_DATA, **mapping}
    return build(WorkloadSpec, with_files_read(mapping))
