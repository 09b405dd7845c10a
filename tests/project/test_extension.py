"""A package that somebody installs beside ours brings one thing of every kind: docs/examples/blis-extra.

It is put where an installer would put it, and everything happens in another process, so that nothing of it stays here.
"""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.places import ROOT

EXAMPLE = ROOT / "docs" / "examples" / "blis-extra"

BUNDLE = """\
admission: {policy: extra-short-prompts, parameters: {max_tokens: 150}}
routing:
  policy: weighted
  scorers: [{name: extra-first, weight: 1}]
  filters: [{name: extra-free-blocks, parameters: {min_blocks: 1}}]
priority: {policy: extra-weight}
scheduler: extra-longest-prompt
"""

ONE = """\
request_id,arrival_us,input_tokens,output_tokens,prefix_group,prefix_tokens,slo_class,tenant_id
a,0,20,3,,0,x,t
"""

BEGINNING = """
import json, sys
import blis, search
from blis.cli.main import main as command
from search.__main__ import main as run_search

folder = sys.argv[1]
spec = {"aggregate_rate": 50, "num_requests": 40, "clients": [{
    "id": "a", "rate_fraction": 1, "slo_class": "x", "arrival": {"process": "extra_pairs"},
    "input_distribution": {"type": "extra_uniform", "params": {"min": 100, "max": 200}},
    "output_distribution": {"type": "constant", "params": {"value": 5}}}]}
requests = blis.generate(spec, seed=1)
found = {"gaps": requests.arrival_us.tolist(), "input_tokens": requests.input_tokens.tolist()}
"""

READS = """
found["space"] = list(search.compose_settings(["search_space=full_policy"]).space)
found["validate"] = command(["validate", f"{folder}/bundle.yaml"])
found["traces"] = command(["traces", "--check", f"{folder}/extra.csv"])
"""

RUNS = """
engine = {"latency_model": {"alpha": [0, 0, 0], "beta": [100, 1, 1]}, "kv": {"blocks": 500}}
scenario = {"cluster": {"instances": 2}, "instance": engine}
before = blis.simulate(scenario, requests)
after = blis.simulate(scenario, requests, policy=f"{folder}/bundle.yaml")
found["before"], found["after"] = (sorted({int(i) for i in one.table.instance}) for one in (before, after))
found["rejected"] = [status == "rejected" for status in after.table.status_names()]
found["most_free"] = blis.simulate(
    {**scenario, "cluster": {"instances": 2, "routing": {"policy": "extra-most-free"}}}, requests
).table.status_names()
model = {"kind": "extra_linear", "parameters": {"fixed_us": 100, "prefill_us": 1, "decode_us": 10, "context_us": 0.5}}
one = blis.simulate({"instance": {**engine, "latency_model": model}}, f"{folder}/one.csv")
found["linear_us"] = int(one.table.e2e_us[0])
sys.argv = ["search", "driver=random", "driver.name=extra_climber", "driver.budget=16", "driver.batch=2",
            "+fitness.weights.extra_preemptions=0.1", "search_space=routing_weights", "workload.first=100",
            "validation.search_seeds=1", "validation.selection_seeds=2", "validation.report_seeds=2",
            "validation.random_policies=0", "tracking=none", f"hydra.run.dir={folder}/run"]
found["search"] = run_search()
"""

END = """
print("FOUND" + json.dumps(found))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with the package and what an installer writes beside it."""
    folder = tmp_path_factory.mktemp("site")
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())
    for package in project["tool"]["setuptools"]["packages"]:
        shutil.copytree(EXAMPLE / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    about = folder / "blis_extra-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: blis-extra\nVersion: 1.0\n")
    groups = project["project"]["entry-points"]
    lines = [f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in points.items()) for group, points in groups.items()]
    (about / "entry_points.txt").write_text("\n".join(lines))
    (folder / "bundle.yaml").write_text(BUNDLE)
    (folder / "one.csv").write_text(ONE)
    (folder / "extra.csv").write_text("when_ms,asked,answered\n0,10,3\n7,20,4\n")
    return folder


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}
    return subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, cwd=ROOT)


def told(installed: Path, program: str) -> dict[str, Any]:
    """What a program sees that uses all of it."""
    (installed / "program.py").write_text(BEGINNING + program + END)
    done = run(installed, str(installed / "program.py"), str(installed))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.split("FOUND")[1])


@pytest.fixture(scope="module")
def read(installed):
    """What is found without the engine."""
    return told(installed, READS)


@pytest.fixture(scope="module")
def ran(installed):
    """What the engine does, which is compiled anew with the templates in it."""
    return told(installed, RUNS)


def test_the_example_has_one_file_for_every_entry_point():
    points = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]["entry-points"]
    modules = {value.removeprefix("blis_extra.") for group in points.values() for value in group.values()}
    assert modules == {path.stem for path in (EXAMPLE / "blis_extra").glob("*.py")} - {"__init__"}


@pytest.mark.slow
def test_templates_decide(ran):
    assert ran["before"] == [0, 1]
    assert ran["after"] == [-1, 0]  # the scorer wants instance 0, admission turns long prompts away
    assert ran["rejected"] == [tokens > 150 for tokens in ran["input_tokens"]]
    assert set(ran["most_free"]) == {"completed"}


@pytest.mark.slow
def test_steps_take_as_long_as_the_latency_model_says(ran):
    prefill, decodes = 100 + 20, [100 + 10 + 0.5 * context for context in (20, 21)]
    assert ran["linear_us"] == prefill + sum(map(int, decodes))


def test_templates_are_in_the_full_space(read):
    assert {
        "routing.scorers.extra-first",
        "routing.filters.extra-free-blocks.min_blocks",
        "admission.parameters.max_tokens",
    } <= set(read["space"])


def test_lengths_and_arrivals_are_drawn(read):
    gaps = [after - before for before, after in zip([0, *read["gaps"]], read["gaps"], strict=False)]
    assert set(gaps[1::2]) == {1}
    assert min(read["input_tokens"]) >= 100 and max(read["input_tokens"]) <= 200


def test_commands_know_it(read, installed):
    assert (read["validate"], read["traces"]) == (0, 0)
    helped = run(installed, "-m", "blis.cli.main", "run", "--help").stdout
    assert all(name in helped for name in ("extra-first", "extra-most-free", "extra-weight", "extra-longest-prompt"))


@pytest.mark.slow
def test_the_driver_and_the_term_are_in_the_table_of_candidates(ran, installed):
    assert ran["search"] == 0
    header, *rows = (installed / "run" / "candidates.csv").read_text().splitlines()
    assert "f_extra_preemptions" in header.split(",")
    assert any(",climb," in row for row in rows)


def test_a_package_that_cannot_be_imported_is_named_in_one_line(installed, tmp_path):
    shutil.copytree(installed, tmp_path / "site")
    (tmp_path / "site" / "blis_extra" / "scorer.py").write_text("import nothing_like_that\n")
    done = run(tmp_path / "site", "-m", "blis.cli.main", "validate", str(installed / "bundle.yaml"))
    assert done.returncode == 2
    assert "scorer = blis_extra.scorer of package blis-extra cannot be loaded" in done.stderr
    assert "Traceback" not in done.stderr
