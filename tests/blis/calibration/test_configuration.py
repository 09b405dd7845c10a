"""Which settings agree, and what is not modelled."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blis.calibration.configuration import configuration, limitations
from blis.calibration.pairs import NO_NETWORK
from blis.tables.network import Network
from blis.workload.recorded.recording import Server
from tests.blis.calibration.recordings import handmade, scenario, simulated

LOG = handmade([10], [50])
ONE = scenario().cluster


def states(server: Server, **latency) -> dict[str, str]:
    simulated_server = scenario(engine="vllm-2026")
    model = replace(simulated_server.instance.latency_model, **latency)
    simulated_server = replace(simulated_server, instance=replace(simulated_server.instance, latency_model=model))
    found = configuration(replace(LOG, server=server), simulated_server)
    return {setting.key: setting.state for setting in found}


def test_what_the_log_does_not_say_is_assumed():
    found = states(Server())
    assert set(found.values()) == {"assumed"}


@pytest.mark.parametrize(
    ("server", "latency", "key", "state"),
    [
        (Server(max_running=8), {}, "max_running", "matched"),
        (Server(max_running=17), {}, "max_running", "differs"),
        (Server(max_scheduled_tokens=2048), {}, "max_scheduled_tokens", "matched"),
        (Server(block_size_tokens=32), {}, "block_size_tokens", "differs"),
        (Server(kv_blocks=400), {}, "kv_blocks", "matched"),
        (Server(max_model_len=4096), {}, "max_model_len", "differs"),
        (Server(tp=2), {"tp": 2}, "tp", "matched"),
        (Server(tp=2), {"tp": 4}, "tp", "differs"),
        (Server(tp=2), {}, "tp", "assumed"),
        (Server(model="meta-llama/Llama-3.1-8B"), {"model": "llama-3.1-8b"}, "model", "matched"),
        (Server(model="meta-llama/Llama-3.1-8B"), {"model": "qwen3-14b"}, "model", "differs"),
        (Server(model="meta-llama/Llama-3.1-8B"), {}, "model", "assumed"),
        (Server(gpu="NVIDIA GeForce RTX 4090"), {"gpu": "RTX4090"}, "gpu", "matched"),
        (Server(gpu="NVIDIA GeForce RTX 4090"), {"gpu": "H100"}, "gpu", "differs"),
        (Server(vllm="0.19.0"), {}, "engine", "matched"),
        (Server(vllm="0.8.4"), {}, "engine", "differs"),
        (Server(vllm="abc"), {}, "engine", "assumed"),
        (Server(engine="vllm-2026"), {}, "engine", "matched"),
        (Server(engine="original"), {}, "engine", "differs"),
        (Server(engine='{"profile": "vllm-2026", "async_scheduling": false}'), {}, "engine", "differs"),
        (Server(instances=4), {}, "instances", "differs"),
        (Server(instances=1), {}, "instances", "matched"),
        (Server(async_scheduling=True), {}, "async_scheduling", "matched"),
        (Server(async_scheduling=False), {}, "async_scheduling", "differs"),
    ],
)
def test_each_setting(server, latency, key, state):
    assert states(server, **latency)[key] == state


def test_what_is_not_modelled_depends_on_the_log():
    def about(word: str, recording=LOG, network=NO_NETWORK, cluster=ONE) -> bool:
        return any(word in text for text in limitations(recording, cluster, network))

    assert about("guessed ahead") and about("equal batches take equal time")
    assert about("prefix") and about("who waited")
    assert not about("left out") and about("left out", replace(LOG, failed=1))
    assert not about("who waited", simulated(scenario(), 30))
    client = replace(LOG, client_side=True)
    assert about("counts as the server's", client)
    assert not about("took it up") and about("took it up", replace(LOG, taken_up=True))
    assert not about("counts as the server's", client, Network(rtt_us=1))
    several, known = replace(ONE, instances=4), replace(LOG, server=Server(instances=4))
    assert about("how many instances answered: 1 taken") and about("answered: 4 taken", cluster=several)
    assert not about("how many instances", known, cluster=several)
    assert not about("who routed") and about(f"who routed: {several.routing.policy} does", known, cluster=several)
    shared = handmade([10, 10], [50, 50], prefix_group=["g", "g"], prefix_tokens=4)
    assert not about("prefix", shared)
