"""The scenario in which a recording is simulated: as many instances as answered, started as the log says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from blis.config import Scenario
from blis.errors import in_short
from blis.latency.coefficients import CoefficientsFile
from blis.scenario import load_scenario
from blis.workload.recorded.recording import Recording, Server
from blis.yaml_strict import named_source, parse_yaml

#: What vLLM does when nothing is said (its config/scheduler.py and config/cache.py, 0.8 to 0.24).
_DEFAULTS = {"max_running": 256, "max_scheduled_tokens": 2048}
_ASYNC_SINCE = (0, 14)

#: The engine of a server of which nothing is known.
LATEST = "vllm-2026"


@dataclass(frozen=True)
class Replay:
    """A scenario for a recording, and what had to be assumed for it."""

    scenario: Scenario
    assumed: tuple[str, ...]


def replay_scenario(
    recording: Recording, latency_model: Mapping[str, Any], engine: str | Mapping[str, Any] | None = None
) -> Replay:
    """The scenario of a recording under a latency model; engine: its profile, if not that of the server's version.

    What the log does not say is vLLM's default, but a KV cache with room for everybody, and is named. Raises
    InputError as scenario files do.
    """
    with named_source(recording.source):
        mapping, assumed = replay_mapping(recording.server, engine)
        mapping["instance"]["latency_model"] |= latency_model
        scenario = load_scenario(mapping)
    if not recording.server.kv_blocks:
        assumed.append(f"{scenario.instance.kv.blocks} KV blocks")
    return Replay(scenario, tuple(assumed))


def server_of(file: CoefficientsFile) -> Server:
    """What a coefficients file says of the server it was fitted to."""
    return Server(**{name: value for name, value in vars(file).items() if name in vars(Server())})


def replay_mapping(server: Server, engine: str | Mapping[str, Any] | None = None) -> tuple[dict[str, Any], list[str]]:
    """A scenario's mapping that lacks the numbers of its latency model, and what had to be assumed for it."""
    assumed: list[str] = []
    batch = {name: getattr(server, name) for name in _DEFAULTS}
    for name, value in _DEFAULTS.items():
        if not batch[name]:
            batch[name] = value
            assumed.append(f"{name} {value}")
    kv: dict[str, Any] = {"block_size_tokens": server.block_size_tokens or 16}
    if server.kv_blocks:
        kv["blocks"] = server.kv_blocks
    latency = {key: value for key, value in (("model", server.model), ("gpu", server.gpu), ("tp", server.tp)) if value}
    instance = {"latency_model": latency, "kv": kv, "batch": batch, "engine": _engine(server, engine, assumed)}
    if not server.instances:
        assumed.append("1 instance")
    return {"cluster": {"instances": server.instances or 1}, "instance": instance}, assumed


def _engine(server: Server, engine: str | Mapping[str, Any] | None, assumed: list[str]) -> dict[str, Any]:
    """The engine of the log, or the profile of the server's version with what the log itself says on top."""
    if not engine and server.engine:
        engine = cast("str | dict[str, Any]", parse_yaml(server.engine, "engine"))
    if isinstance(engine, Mapping):
        return dict(engine)
    found: dict[str, Any] = {"profile": engine or profile_of(server.vllm) or LATEST}
    if not engine and not profile_of(server.vllm):
        assumed.append(f"engine {LATEST}" + (f" (vLLM {in_short(server.vllm)} is not known)" if server.vllm else ""))
    if not engine and server.async_scheduling is not None:
        found["async_scheduling"] = server.async_scheduling
    if server.max_model_len:
        found["max_model_len"] = server.max_model_len
    return found


def profile_of(version: str) -> str:
    """The engine profile nearest to a version of vLLM, "" where that is none."""
    numbers = re.match(r"v?(\d+)\.(\d+)", version)
    if not numbers:
        return ""
    return "vllm-0.8" if tuple(map(int, numbers.groups())) < _ASYNC_SINCE else LATEST


def with_parameters(scenario: Scenario, parameters: Mapping[str, float]) -> Scenario:
    """The same with other parameters of its latency model."""
    latency = replace(scenario.instance.latency_model, parameters=dict(parameters))
    return replace(scenario, instance=replace(scenario.instance, latency_model=latency))
