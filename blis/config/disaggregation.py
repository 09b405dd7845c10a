"""Prefill and decode apart: who asks for a prefill elsewhere, and what moving its KV takes (docs/disaggregation.md)."""

from __future__ import annotations

from dataclasses import dataclass, field

from blis.config.limits import MAX_INSTANCES, MAX_TIME_US
from blis.config.routing import Filter, Routing, Scorer, default_scorers
from blis.errors import InputError, check_choice, check_integer, check_number

#: What an instance does: all of it, only prompts for others, or no prompts for others.
ROLES = ("both", "prefill", "decode")
DECIDERS = ("always", "never", "uncached-tokens")


@dataclass(frozen=True)
class Profile:
    """How one kind of instance is chosen; how old its signals are, and the prefix index, are those of `routing`."""

    policy: str = "weighted"
    filters: tuple[Filter, ...] = ()
    scorers: tuple[Scorer, ...] = field(default_factory=default_scorers)
    parameters: dict[str, float] = field(default_factory=dict, hash=False)
    picker: str = "max"
    tie_break: str = "random"

    def __post_init__(self) -> None:
        """Check names and parameters, as those of `routing` are."""
        try:
            Routing(**vars(self))
        except InputError as error:
            raise InputError(f"disaggregation.prefill: {error}") from None


@dataclass(frozen=True)
class Disaggregation:
    """Which requests have their prompt computed by another instance than the one that generates, and by which.

    prefill: how that one is chosen; None: as `routing` says.
    """

    decider: str = "always"
    uncached_tokens: int = 16  # of a prompt, that the decode instance lacks: so many, and another one is asked
    prefill_instances: int = 0  # so many, the first ones, have the role prefill, all others decode; 0: as pools say
    prefill: Profile | None = None

    def __post_init__(self) -> None:
        """Check the name and the numbers."""
        check_choice("disaggregation.decider", self.decider, DECIDERS)
        check_integer("disaggregation.uncached_tokens", self.uncached_tokens, 1, 2**31 - 1)
        check_integer("disaggregation.prefill_instances", self.prefill_instances, 0, MAX_INSTANCES)


@dataclass(frozen=True)
class KVTransfer:
    """What it takes to move KV from one instance to another: the sender's link serves one transfer after the other."""

    bytes_per_token: int = 0  # 0: those of the model, where the latency model knows it
    bandwidth_gb_s: float = 50.0  # of an instance's link, in 10^9 bytes a second
    latency_us: int = 1_000  # of a transfer, before it is known to have ended; keeps no link busy
    hold_us: int = 480_000_000  # a prompt's KV that nobody fetches is given up after so long

    def __post_init__(self) -> None:
        """Check the numbers."""
        check_integer("kv_transfer.bytes_per_token", self.bytes_per_token, 0, 2**40)
        check_number("kv_transfer.bandwidth_gb_s", self.bandwidth_gb_s, 1e-3, 1e6)
        check_integer("kv_transfer.latency_us", self.latency_us, 0, MAX_TIME_US)
        check_integer("kv_transfer.hold_us", self.hold_us, 1, MAX_TIME_US)

    @property
    def bytes_per_us(self) -> int:
        """The bandwidth as a whole number."""
        return max(round(self.bandwidth_gb_s * 1000), 1)
