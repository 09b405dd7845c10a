"""What a log says of its server against the scenario that it is simulated in, and what no scenario can say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from blis.calibration.replay import profile_of
from blis.config import Cluster, Scenario
from blis.tables.network import Network
from blis.workload.recorded.recording import Recording

MATCHED, DIFFERS, ASSUMED = "matched", "differs", "assumed"


class Setting(NamedTuple):
    """One setting of the server: as the log has it ("" if it has not) and as the scenario does."""

    key: str
    recorded: str
    simulated: str
    state: str  # MATCHED, DIFFERS, or ASSUMED where the log is silent


def configuration(recording: Recording, scenario: Scenario) -> list[Setting]:
    """All settings that a log may know."""
    return [Setting(key, said, used, _state(key, said, used)) for key, said, used in _settings(recording, scenario)]


def _settings(recording: Recording, scenario: Scenario) -> Iterator[tuple[str, str, str]]:
    """Key, recorded, simulated."""
    server, instance = recording.server, scenario.instance
    latency, engine = instance.latency_model, instance.engine
    yield "model", server.model, latency.model
    yield "gpu", server.gpu, latency.gpu
    yield "tp", _known(server.tp), _known(latency.tp)
    yield "instances", _known(server.instances), str(scenario.cluster.instances)
    yield "max_running", _known(server.max_running), str(instance.batch.max_running)
    yield "max_scheduled_tokens", _known(server.max_scheduled_tokens), str(instance.batch.max_scheduled_tokens)
    yield "block_size_tokens", _known(server.block_size_tokens), str(instance.kv.block_size_tokens)
    yield "kv_blocks", _known(server.kv_blocks), str(instance.kv.blocks)
    yield "max_model_len", _known(server.max_model_len), _known(engine.max_model_len)
    version = server.vllm if profile_of(server.vllm) else ""
    yield "engine", server.engine or version, engine.text if server.engine else engine.profile
    if server.async_scheduling is not None:
        yield "async_scheduling", _yes(server.async_scheduling), _yes(engine.async_scheduling)


def _state(key: str, recorded: str, simulated: str) -> str:
    """Whether both are the same; a scenario whose numbers are its own names no deployment."""
    if not recorded or (not simulated and key in ("model", "gpu", "tp")):
        return ASSUMED
    if key == "engine":
        same = (profile_of(recorded) or recorded) == simulated
    elif key in ("model", "gpu"):
        same = _same_name(recorded, simulated)
    else:
        same = recorded == simulated
    return MATCHED if same else DIFFERS


def _same_name(one: str, other: str) -> bool:
    """Whether one name is a part of the other, as a catalogue's name of a GPU is of the driver's."""
    short, long = sorted((_plain(one), _plain(other)), key=len)
    return short in long


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _known(number: int) -> str:
    return str(number) if number else ""


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def limitations(recording: Recording, cluster: Cluster, network: Network) -> list[str]:
    """What the simulation of this recording leaves out, or stands on without the log's word."""
    found = [
        "a step takes what the latency model says of its sums: equal batches take equal time",
        "images, structured output and cancelled requests are not modelled; of adapters and tokens that were guessed"
        " ahead a log says nothing",
    ]
    if not recording.server.instances:
        found.append(f"the log does not say how many instances answered: {cluster.instances} taken (--num-instances)")
    if cluster.instances > 1:
        found.append(f"no log says who routed: {cluster.routing.policy} does (--policy-config)")
    if not _shares_prefixes(recording):
        found.append("the log does not say what prompts share: nobody finds another's prefix in the cache")
    if recording.client_side:
        found.append("requests reach the server when they are sent; one delay and one bandwidth hold for all")
        if network == Network():
            found.append("nothing is known of the network: its time counts as the server's")
    if recording.taken_up:
        found.append("what a request waited for before the engine took it up, between two steps, is in no figure")
    if recording.failed or recording.invalid:
        found.append("requests that are left out took a part of the server's time")
    if recording.scheduled_us is None and recording.timeline is None:
        found.append("the log does not say who waited and who ran")
    return found


def _shares_prefixes(recording: Recording) -> bool:
    """Whether two requests begin with the same tokens."""
    requests = recording.requests
    first = requests.path_node[requests.path_offset[:-1]]
    return len(set(first.tolist())) < len(first)
