"""Templates in a user's file work as ours do: in the library, in scenario files, in the command, in a search."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from blis.yaml_strict import dump_yaml
from tests.places import ROOT

pytestmark = pytest.mark.slow  # a user's templates are compiled anew; tests/project/test_extension.py does so, too

LINEAR = {
    "kind": "itemised",
    "parameters": {
        "fixed_us": 1000,
        "prefill_us_token": 10,
        "decode_us_member": 5,
        "context_us_token": 0.5,
        "pair_us": 0.01,
    },
}
SCENARIO = {
    "instance": {"latency_model": LINEAR, "kv": {"blocks": 200}},
    "cluster": {"admission": {"policy": "five-a-window", "parameters": {"window_us": 10_000}}},
}

PROGRAM = """
import json, sys
import search
import blis
from blis.errors import InputError
from blis.scenario import scenario_mapping
from blis.workload.assemble import table_from_tokens
from pathlib import Path
from tests.search.small import small_settings

folder, linear = Path(sys.argv[1]), json.loads(sys.argv[2])

def refused(**changes):
    try:
        blis.load_scenario({"instance": {"latency_model": {**linear, **changes}}})
    except InputError as error:
        return str(error)

scenario = blis.load_scenario(folder / "scenario.yaml")
arrivals = [0, 1000, 2000, 3000, 4000, 5000, 9999, 10_000, 10_001, 11_000]
alone = blis.simulate(scenario, table_from_tokens([0], [list(range(8))], [[1, 2, 3]])).table
many = blis.simulate(scenario, table_from_tokens(arrivals, [[k] for k in range(10)], [[1]] * 10)).table
override = f"cluster.instance.latency_model={json.dumps(linear)}"
problem = small_settings(folder, override).problem
policy = {"admission": {"policy": "five-a-window", "parameters": {"window_us": 1e6}}}
print(json.dumps({
    "round_trip": blis.load_scenario(scenario_mapping(scenario)) == scenario,
    "ttft_us": int(alone.ttft_us[0]),
    "e2e_us": int(alone.e2e_us[0]),
    "admitted": (many.status == 0).tolist(),
    "baseline": search.evaluate(problem.baseline, problem).fitness,
    "limited": search.evaluate(policy, problem).fitness,
    "unknown": refused(parameters={**linear["parameters"], "pare_us": 1}),
    "missing": refused(parameters={}),
    "too_much": refused(parameters={**linear["parameters"], "pair_us": -1}),
    "beta": refused(beta=[1, 2, 3]),
}))
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installed package with the user's file, and a scenario that needs it."""
    folder = tmp_path_factory.mktemp("package")
    shutil.copy(ROOT / "tests" / "blis" / "users_own.py", folder / "users_own.py")
    info = folder / "users_own-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: users-own\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[blis.latency]\nmine = users_own\n[blis.policies]\nmine = users_own\n")
    dump_yaml(SCENARIO, folder / "scenario.yaml")
    return folder


def run_in(package: Path, *command: str) -> str:
    environment = os.environ | {"PYTHONPATH": f"{package}{os.pathsep}{ROOT}"}
    done = subprocess.run(
        [sys.executable, *command], cwd=package, env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


@pytest.fixture(scope="module")
def said(package: Path) -> dict[str, Any]:
    """What the program found out."""
    return dict(json.loads(run_in(package, "-c", PROGRAM, str(package), json.dumps(LINEAR)).splitlines()[-1]))


def test_steps_take_what_the_users_latency_model_says(said: dict[str, Any]):
    # 8 prompt tokens with 28 pairs, then decodes with 8 and 9 tokens of context, each in whole µs.
    assert said["ttft_us"] == 1000 + 80
    assert said["e2e_us"] == 1080 + 1009 + 1009


def test_its_numbers_are_checked_where_they_are_written(said: dict[str, Any]):
    assert said["round_trip"]
    assert "pare_us" in said["unknown"] and "did you mean 'pair_us'?" in said["unknown"]
    assert "latency model 'itemised' needs the parameter fixed_us" in said["missing"]
    assert "pair_us of latency model 'itemised' must be in [0, 1e+09], got -1" in said["too_much"]
    assert "latency_model.beta is not for kind 'itemised'" in said["beta"]
    assert all(said[name].startswith("instance.latency_model: ") for name in ("unknown", "missing", "too_much", "beta"))


def test_a_policy_remembers_as_many_numbers_as_it_says(said: dict[str, Any]):
    assert said["admitted"] == [True] * 5 + [False, False, True, False, True]


def test_a_search_knows_both(said: dict[str, Any]):
    assert said["baseline"] == 0
    assert said["limited"] < 0


def test_the_command_knows_them(package: Path):
    header = "request_id,arrival_us,input_tokens,output_tokens,prefix_group,prefix_tokens,slo_class,tenant_id"
    (package / "requests.csv").write_text(f"{header}\na,0,8,3,,0,,t\n")
    printed = run_in(package, "-m", "blis.cli.main", "run", "--config", "scenario.yaml", "--requests", "requests.csv")
    assert json.loads(printed)["ttft_mean_ms"] == 1.08
