"""The scenario of a recording."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blis.calibration.replay import profile_of, replay_mapping, replay_scenario, server_of
from blis.errors import InputError
from blis.latency.coefficients import FORMAT, CoefficientsFile
from blis.workload.recorded.recording import Server
from tests.blis.calibration.recordings import PARAMETERS, handmade

LOG = handmade([10], [50])
LINEAR = {"kind": "linear", "parameters": PARAMETERS}
SERVER = Server(
    model="org/m", gpu="G", tp=2, vllm="0.19.0", max_running=64, max_scheduled_tokens=4096, kv_blocks=900,
    block_size_tokens=32, max_model_len=5000, async_scheduling=False, instances=1,
)  # fmt: skip


def test_the_server_is_as_the_log_says():
    found = replay_scenario(replace(LOG, server=SERVER), LINEAR)
    instance = found.scenario.instance
    assert found.assumed == () and found.scenario.cluster.instances == 1
    assert (instance.batch.max_running, instance.batch.max_scheduled_tokens) == (64, 4096)
    assert (instance.kv.blocks, instance.kv.block_size_tokens) == (900, 32)
    assert (instance.latency_model.model, instance.latency_model.tp) == ("org/m", 2)
    assert instance.engine.profile == "vllm-2026" and not instance.engine.async_scheduling
    assert instance.engine.max_model_len == 5000


def test_what_the_log_does_not_say_is_named():
    found = replay_scenario(LOG, LINEAR)
    assert found.assumed == (
        "max_running 256",
        "max_scheduled_tokens 2048",
        "engine vllm-2026",
        "1 instance",
        "1000000 KV blocks",
    )
    mapping, assumed = replay_mapping(Server())
    assert mapping["instance"]["latency_model"] == {} and len(assumed) == 4


def test_a_profile_or_switches_may_be_given():
    log = replace(LOG, server=SERVER)
    engine = replay_scenario(log, LINEAR, "vllm-0.8").scenario.instance.engine
    assert (engine.profile, engine.max_model_len) == ("vllm-0.8", 5000)
    engine = replay_scenario(log, LINEAR, {"profile": "original", "unkeyed_first": True}).scenario.instance.engine
    assert (engine.profile, engine.unkeyed_first, engine.max_model_len) == ("original", True, 0)
    with pytest.raises(InputError, match="vllm-2025"):
        replay_scenario(log, LINEAR, "vllm-2025")


def test_a_version_that_is_none_is_said_to_be_unknown():
    found = replay_scenario(replace(LOG, server=replace(SERVER, vllm="abc")), LINEAR)
    assert found.assumed == ("engine vllm-2026 (vLLM 'abc' is not known)",)


def test_what_a_coefficients_file_says_of_its_server_counts_where_the_log_is_silent():
    fitted = server_of(CoefficientsFile(
        FORMAT, "linear", {"fixed_us": 1.0}, "log", 60, gpu="G", vllm="0.19.0", engine="original", block_size_tokens=32,
        max_running=8, max_scheduled_tokens=512,
    ))  # fmt: skip
    mapping, assumed = replay_mapping(replace(Server(), vllm="0.19.0", max_running=9, instances=2).over(fitted))
    assert mapping["instance"]["batch"] == {"max_running": 9, "max_scheduled_tokens": 512} and assumed == []
    assert mapping["cluster"] == {"instances": 2}
    assert mapping["instance"]["kv"] == {"block_size_tokens": 32}
    assert mapping["instance"]["engine"] == {"profile": "original"}


def test_an_engine_of_the_log_needs_no_assumption():
    server = replace(SERVER, vllm="", engine="original")
    engine = replay_scenario(replace(LOG, server=server), LINEAR)
    assert engine.scenario.instance.engine.profile == "original" and engine.assumed == ()
    own = replace(server, engine='{"profile": "vllm-0.8", "unkeyed_first": true}')
    assert replay_scenario(replace(LOG, server=own), LINEAR).scenario.instance.engine.unkeyed_first
    assert replay_scenario(replace(LOG, server=own), LINEAR, "vllm-2026").scenario.instance.engine.async_scheduling
    with pytest.raises(InputError, match=r"^handmade: .*original"):
        replay_scenario(replace(LOG, server=replace(server, engine="orginal")), LINEAR)


@pytest.mark.parametrize(
    ("version", "profile"),
    [
        ("0.8.4", "vllm-0.8"),
        ("v0.13.2", "vllm-0.8"),
        ("0.14.0", "vllm-2026"),
        ("0.19.0rc1", "vllm-2026"),
        ("1.0", "vllm-2026"),
        ("", ""),
        ("nightly", ""),
    ],
)
def test_the_profile_of_a_version(version, profile):
    assert profile_of(version) == profile
