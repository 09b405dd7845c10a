"""A small scenario that every test of the command and the library can run."""

from __future__ import annotations

from pathlib import Path

import pytest

from blis.files import write_text
from blis.yaml_strict import dump_yaml

SCENARIO = {
    "cluster": {"instances": 2, "routing": {"policy": "least-loaded"}},
    "instance": {
        "latency_model": {"alpha": [100, 1, 10], "beta": [5000, 20, 30]},
        "kv": {"blocks": 200},
    },
}

REQUESTS = """\
request_id,arrival_us,input_tokens,output_tokens,prefix_group,prefix_tokens,slo_class,tenant_id
a,0,100,3,g,64,fast,t1
b,1000,200,1,g,64,slow,t2
c,2000,50,5,,0,fast,t1
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A folder with scenario.yaml and requests.csv."""
    dump_yaml(SCENARIO, tmp_path / "scenario.yaml")
    write_text(tmp_path / "requests.csv", REQUESTS)
    return tmp_path


@pytest.fixture
def small_run(small: Path) -> list[str]:
    """The arguments that run it."""
    return ["run", "--config", str(small / "scenario.yaml"), "--requests", str(small / "requests.csv")]
