"""The original's flags, each the command-line name of one key of a scenario or of a policy bundle."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from blis.config import PROFILES
from blis.errors import InputError
from blis.latency import LATENCY
from blis.numerals import read_number, read_whole
from blis.policies.admission import ADMISSION
from blis.policies.priority import PRIORITIES
from blis.policies.routing import ROUTING
from blis.policies.schedulers import SCHEDULERS
from blis.policies.scorers import SCORERS


class Flag(NamedTuple):
    """A flag, the key it sets (dots between levels; "" if none), and how its text is read."""

    name: str
    key: str
    read: Callable[[str], Any]
    help: str  # {names}: of those that there are
    metavar: str | None = None  # in --help; None: follows from `read`
    names: Iterable[str] = ()

    def value(self, options: argparse.Namespace) -> Any:
        """What was given, None if nothing was."""
        return getattr(options, self.name.lstrip("-").replace("-", "_"))


def whole(text: str) -> int:
    """A whole number of a flag."""
    try:
        return read_whole(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def number(text: str) -> float:
    """A number of a flag."""
    try:
        return read_number(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def read_coefficients(text: str) -> list[float]:
    """Numbers from a comma list."""
    return [number(item.strip()) for item in text.split(",")]


def read_scorers(text: str) -> list[dict[str, Any]]:
    """A bundle's list of scorers from `name:weight,name:weight`; an empty text is none."""
    scorers: list[dict[str, Any]] = []
    if not text.strip():
        return scorers
    for entry in text.split(","):
        name, colon, weight = entry.partition(":")
        if not colon:
            raise argparse.ArgumentTypeError(f"{entry!r} has no weight; write name:weight,name:weight")
        scorers.append({"name": name.strip(), "weight": number(weight.strip())})
    return scorers


_ONE_OF = "one of: {names}; default {first}"


#: Flags of keys that only a scenario has.
SCENARIO_FLAGS = (
    Flag("--model", "instance.latency_model.model", str, "look coefficients up by this model"),
    Flag("--hardware", "instance.latency_model.gpu", str, "and this GPU; default: the model's usual one"),
    Flag("--tp", "instance.latency_model.tp", whole, "and this tensor parallelism; default: the model's usual one"),
    Flag("--latency-model", "instance.latency_model.kind", str, "one of: {names}", names=LATENCY),
    Flag(
        "--alpha-coeffs",
        "instance.latency_model.alpha",
        read_coefficients,
        "queueing: µs, µs a prompt token, µs an output token; default: looked up",
    ),
    Flag(
        "--beta-coeffs",
        "instance.latency_model.beta",
        read_coefficients,
        "step: µs, µs a prefill token, µs a decode token; default: looked up",
    ),
    Flag(
        "--coefficients",
        "instance.latency_model.coefficients",
        str,
        "fitted coefficients, as `blis fit` writes; a scenario's latency_model.ensemble says how sure they are",
        "FILE",
    ),
    Flag("--num-instances", "cluster.instances", whole, "number of equal instances; default 1"),
    Flag(
        "--total-kv-blocks", "instance.kv.blocks", whole, "KV cache of an instance; default: the model's, else 1000000"
    ),
    Flag("--block-size-in-tokens", "instance.kv.block_size_tokens", whole, "tokens in a KV block; default 16"),
    Flag("--kv-cpu-blocks", "instance.kv.cpu_blocks", whole, "second KV tier, in blocks; default 0 = none"),
    Flag("--kv-offload-threshold", "instance.kv.offload_threshold", number, "in [0, 1]; has no effect; default 0.9"),
    Flag("--kv-transfer-bandwidth", "instance.kv.transfer_bandwidth", number, "blocks a µs from there; default 100"),
    Flag("--kv-transfer-base-latency", "instance.kv.transfer_base_latency_us", whole, "µs a transfer; default 0"),
    Flag("--engine", "instance.engine", str, _ONE_OF, names=PROFILES),
    Flag("--admission-latency", "cluster.admission.latency_us", whole, "µs from arrival to admission; default 0"),
    Flag("--routing-latency", "cluster.routing.latency_us", whole, "µs from admission to routing; default 0"),
    Flag(
        "--snapshot-refresh-interval",
        "cluster.routing.snapshot_refresh_us",
        whole,
        "µs between the router's reads of KV use; default 0 = always fresh",
    ),
    Flag("--horizon", "horizon_us", whole, "stop after this simulated time in µs; default: never"),
)

#: Flags of keys that a policy bundle has too; they win over it.
POLICY_FLAGS = (
    Flag("--admission-policy", "admission.policy", str, _ONE_OF, names=ADMISSION),
    Flag("--token-bucket-capacity", "admission.token_bucket_capacity", number, "tokens; default 10000"),
    Flag("--token-bucket-refill-rate", "admission.token_bucket_refill_rate", number, "tokens a second; default 1000"),
    Flag("--routing-policy", "routing.policy", str, _ONE_OF, names=ROUTING),
    Flag("--routing-scorers", "routing.scorers", read_scorers, "NAME:WEIGHT,… from: {names}", names=SCORERS),
    Flag("--priority-policy", "priority.policy", str, _ONE_OF, names=PRIORITIES),
    Flag("--scheduler", "scheduler", str, _ONE_OF, names=SCHEDULERS),
    Flag("--max-num-running-reqs", "engine.max_running", whole, "requests in an instance's batch; default 256"),
    Flag("--max-num-scheduled-tokens", "engine.max_scheduled_tokens", whole, "token budget of a step; default 2048"),
    Flag(
        "--long-prefill-token-threshold",
        "engine.long_prefill_threshold",
        whole,
        "cap on one request's prefill in a step; default 0 = off",
    ),
)

#: Flags of the workload `distribution`: fields of `Preset`.
LENGTH_FLAGS = tuple(
    Flag(f"--{side}-tokens{end}", f"{side}_tokens{end.replace('-', '_')}", whole, f"{side}s: {what}; default {default}")
    for side in ("prompt", "output")
    for end, what, default in (
        ("", "mean", 512),
        ("-stdev", "standard deviation", 256),
        ("-min", "shortest", 2),
        ("-max", "longest", 7000),
    )
)


def add_flags(group: argparse._ArgumentGroup, flags: tuple[Flag, ...]) -> None:
    """Add flags to a parser; none has a default, so that what is given can be told from what is not."""
    for flag in flags:
        metavar, names = flag.metavar or _METAVARS.get(flag.read, "NAME"), list(flag.names)
        help_ = flag.help.format(names=", ".join(names), first=names[0]) if names else flag.help
        group.add_argument(flag.name, type=flag.read, metavar=metavar, help=help_)


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


_METAVARS: dict[Callable[[str], Any], str] = {whole: "N", number: "X", read_coefficients: "X,X,X", read_scorers: "LIST"}
