"""The original's flags, each the command-line name of one key of a scenario or of a policy bundle."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, NamedTuple

from blis.config import ADMISSION_POLICIES, PRIORITIES, ROUTING_POLICIES, SCHEDULERS, SCORER_NAMES
from blis.errors import InputError


class Flag(NamedTuple):
    """A flag, the key it sets (dots between levels), and how its text is read."""

    name: str
    key: str
    read: Callable[[str], Any]
    help: str

    def value(self, options: argparse.Namespace) -> Any:
        """What was given, None if nothing was."""
        return getattr(options, self.name.lstrip("-").replace("-", "_"))


def read_coefficients(text: str) -> list[float]:
    """Numbers from a comma list."""
    return [_number(item) for item in text.split(",")]


def read_scorers(text: str) -> list[dict[str, Any]]:
    """A bundle's list of scorers from `name:weight,name:weight`."""
    scorers = []
    for entry in text.split(","):
        name, colon, weight = entry.partition(":")
        if not colon:
            raise argparse.ArgumentTypeError(f"{entry!r} has no weight; write name:weight,name:weight")
        scorers.append({"name": name.strip(), "weight": _number(weight)})
    return scorers


#: Flags of keys that only a scenario has.
SCENARIO_FLAGS = (
    Flag("--model", "instance.latency_model.model", str, "look coefficients up by this model"),
    Flag("--hardware", "instance.latency_model.gpu", str, "and this GPU"),
    Flag("--tp", "instance.latency_model.tp", int, "and this tensor parallelism"),
    Flag(
        "--alpha-coeffs",
        "instance.latency_model.alpha",
        read_coefficients,
        "queueing: µs, µs a prompt token, µs an output token",
    ),
    Flag(
        "--beta-coeffs",
        "instance.latency_model.beta",
        read_coefficients,
        "step: µs, µs a prefill token, µs a decode token",
    ),
    Flag("--num-instances", "cluster.instances", int, "number of equal instances"),
    Flag("--total-kv-blocks", "instance.kv.blocks", int, "KV cache of an instance in blocks"),
    Flag("--block-size-in-tokens", "instance.kv.block_size_tokens", int, "tokens in a KV block"),
    Flag("--admission-latency", "cluster.admission.latency_us", int, "µs from arrival to admission"),
    Flag("--routing-latency", "cluster.routing.latency_us", int, "µs from admission to routing"),
    Flag(
        "--snapshot-refresh-interval",
        "cluster.routing.snapshot_refresh_us",
        int,
        "µs between the router's reads of KV use",
    ),
    Flag("--horizon", "horizon_us", int, "stop after this simulated time in µs"),
)

#: Flags of keys that a policy bundle has too; they win over it.
POLICY_FLAGS = (
    Flag("--admission-policy", "admission.policy", str, f"one of: {', '.join(ADMISSION_POLICIES)}"),
    Flag("--token-bucket-capacity", "admission.token_bucket_capacity", float, "tokens"),
    Flag("--token-bucket-refill-rate", "admission.token_bucket_refill_rate", float, "tokens a second"),
    Flag("--routing-policy", "routing.policy", str, f"one of: {', '.join(ROUTING_POLICIES)}"),
    Flag("--routing-scorers", "routing.scorers", read_scorers, f"NAME:WEIGHT,… from: {', '.join(SCORER_NAMES)}"),
    Flag("--priority-policy", "priority.policy", str, f"one of: {', '.join(PRIORITIES)}"),
    Flag("--scheduler", "scheduler", str, f"one of: {', '.join(SCHEDULERS)}"),
    Flag("--max-num-running-reqs", "engine.max_running", int, "requests in an instance's batch"),
    Flag("--max-num-scheduled-tokens", "engine.max_scheduled_tokens", int, "token budget of a step"),
    Flag("--long-prefill-token-threshold", "engine.long_prefill_threshold", int, "cap on one prefill a step, 0 = off"),
)


def add_flags(group: argparse._ArgumentGroup, flags: tuple[Flag, ...]) -> None:
    """Add flags to a parser; none has a default, so that what is given can be told from what is not."""
    for flag in flags:
        group.add_argument(flag.name, type=flag.read, metavar=_METAVARS.get(flag.read, "NAME"), help=flag.help)


def given_keys(options: argparse.Namespace, flags: tuple[Flag, ...]) -> dict[str, Any]:
    """The nested mapping that the given flags spell out."""
    mapping: dict[str, Any] = {}
    for flag in flags:
        if flag.value(options) is not None:
            set_key(mapping, flag.key, flag.value(options))
    return mapping


def set_key(mapping: dict[str, Any], key: str, value: Any) -> None:
    """Set a key with dots in a nested mapping, in place; levels that are not there are made."""
    *parents, last = key.split(".")
    for parent in parents:
        mapping = mapping.setdefault(parent, {})
        if not isinstance(mapping, dict):
            raise InputError(f"{parent} must be a mapping of keys to values, got {mapping!r}")
    mapping[last] = value


_METAVARS: dict[Callable[[str], Any], str] = {int: "N", float: "X", read_coefficients: "X,X,X", read_scorers: "LIST"}


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text.strip()!r} is not a number") from None
