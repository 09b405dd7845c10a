from __future__ import annotations

from dataclasses import replace

import pytest

from blis.cli.serve import alone
from blis.config import KV, Pool
from blis.scenario import load_scenario
from tests.blis.cli.commands import Command
from tests.blis.conftest import SCENARIO


@pytest.fixture
def command(capsys):
    return Command(capsys)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--speed", "0"], "--speed"),
        (["--drain", "-1"], "--drain"),
        (["--port", "70000"], "--port"),
        (["--ports-from", "65536"], "--ports-from"),
        *(([flag, ""], f"{flag}: must not be empty") for flag in ("--served-model-name", "--host", "--workload-spec")),
        (["--host", "203.0.113.7"], "cannot listen on 203.0.113.7:8000"),
    ],
)
def test_what_cannot_be_is_said_before_anything_listens(command, small, flags, said):
    assert said in command.fails("serve", "--config", small / "scenario.yaml", *flags)


def test_an_instance_alone_has_what_it_has_in_the_cluster():
    scenario = load_scenario(SCENARIO)
    pools = (Pool(count=1), Pool(count=1, kv=KV(blocks=77)))
    second = alone(replace(scenario, pools=pools), 1)
    assert (second.cluster.instances, second.instance.kv.blocks, second.pools) == (1, 77, ())
    assert second.instance.latency_model == scenario.instance.latency_model
