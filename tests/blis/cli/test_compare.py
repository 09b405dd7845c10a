"""`blis compare`: the same requests for every policy, intervals where there can be some, mistakes found first."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from blis.cli.compare import policy_names
from blis.cli.main import main
from blis.errors import InputError
from blis.yaml_strict import dump_yaml
from tests.blis.cli.test_run import WORKLOAD

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def compare(small: Path, capsys):
    """Run the command on three policies; gives its exit status, what it printed, and what it said on stderr."""
    for name in ("round-robin", "least-loaded", "always-busiest"):
        dump_yaml({"routing": {"policy": name}}, small / f"{name}.yaml")
    dump_yaml(WORKLOAD, small / "chat.yaml")
    bundles = [f"--bundle={small / name}.yaml" for name in ("round-robin", "least-loaded", "always-busiest")]

    def call(*arguments: object, bundles: list[str] = bundles) -> tuple[int, str, str]:
        status = main(["compare", f"--config={small / 'scenario.yaml'}", *bundles, *map(str, arguments)])
        output = capsys.readouterr()
        return status, output.out, output.err

    return call


def test_drawn_requests_give_paired_intervals(compare, small: Path):
    status, text, said = compare("--workload-spec", small / "chat.yaml", "--seeds", 3)
    assert (status, said) == (0, "")
    assert text.startswith("against round-robin; 95 % paired t over 3 tables")
    block = text.split("E2E mean (ms)\n")[1].split("\n\n")[0].splitlines()
    assert [line.split()[0] for line in block] == ["round-robin", "least-loaded", "always-busiest"]
    assert block[0].endswith("baseline") and block[2].endswith("worse") and "[+" in block[2]
    assert compare("--workload-spec", small / "chat.yaml", "--seeds", 3)[1] == text
    assert compare("--workload-spec", small / "chat.yaml", "--seeds", 3, "--seed", 9)[1] != text


def test_json_says_what_the_text_says(compare, small: Path):
    drawn = ("--workload-spec", small / "chat.yaml", "--seeds", 3)
    found, text = json.loads(compare(*drawn, "--output", "json")[1]), compare(*drawn, "--output", "text")[1]
    assert text == compare(*drawn)[1]
    assert text.startswith(f"against {found['baseline']}; {found['method']}, each by itself")
    entry = found["measures"]["E2E mean"]
    line = text.split(f"E2E mean ({entry['unit']})\n")[1].splitlines()[2].split()
    busiest = entry["policies"]["always-busiest"]
    low, high = busiest["interval_95"]
    assert line[:3] == ["always-busiest", f"{busiest['mean']:.1f}", f"{busiest['difference']:+.1f}"]
    assert (" ".join(line[3:5]), line[5]) == (f"[{low:+.1f}, {high:+.1f}]", busiest["verdict"])
    assert entry["policies"]["round-robin"] == {"mean": pytest.approx(busiest["mean"] - busiest["difference"])}


def test_json_has_null_where_there_is_nothing(compare, small: Path):
    nobody = ("--requests", small / "requests.csv", "--admission-policy", "reject-all", "--output", "json")
    entry = json.loads(compare(*nobody)[1])["measures"]["TTFT mean"]["policies"]["least-loaded"]
    assert entry == {"mean": None, "difference": None, "interval_95": None, "verdict": None}


def test_means_are_those_of_single_runs(compare, small: Path, capsys):
    _, text, _ = compare("--workload-spec", small / "chat.yaml", "--seeds", 1, "--seed", 5)
    arguments = ["run", f"--config={small / 'scenario.yaml'}", f"--workload-spec={small / 'chat.yaml'}", "--seed=5"]
    assert main([*arguments, f"--policy-config={small / 'always-busiest.yaml'}"]) == 0
    found = json.loads(capsys.readouterr().out)
    for key, title in (("ttft_mean_ms", "TTFT mean"), ("e2e_p99_ms", "E2E p99")):
        line = text.split(f"{title} (ms)\n")[1].splitlines()[2]
        assert line.split()[:2] == ["always-busiest", f"{found[key]:.1f}"]


def test_recorded_requests_are_one_sample(compare, small: Path):
    status, text, _ = compare("--requests", small / "requests.csv")
    assert status == 0 and "no intervals: one table" in text
    assert "nan" not in text and "[" not in text


@pytest.mark.parametrize("baseline", ["least-loaded", "least-loaded.yaml"])
def test_the_baseline_by_name_or_by_path(compare, small: Path, baseline: str):
    given = small / baseline if baseline.endswith(".yaml") else baseline
    status, text, _ = compare("--requests", small / "requests.csv", "--baseline", given)
    assert status == 0 and text.startswith("against least-loaded;")


def test_the_picture(compare, small: Path):
    for name in ("a.png", "b.png"):
        assert compare("--requests", small / "requests.csv", "--picture", small / name)[0] == 0
    data = (small / "a.png").read_bytes()
    assert data.startswith(PNG) and data == (small / "b.png").read_bytes()


def test_a_picture_of_nothing_served(compare, small: Path):
    arguments = ("--requests", small / "requests.csv", "--admission-policy", "reject-all")
    status, text, _ = compare(*arguments, "--picture", small / "a.png")
    assert status == 0 and "–" in text and "100.00" in text
    assert (small / "a.png").read_bytes().startswith(PNG)


@pytest.mark.parametrize(
    ("arguments", "bundles", "said"),
    [
        (["--requests=R"], ["--bundle=round-robin.yaml"], "give two policies or more"),
        (["--requests=R", "--baseline=round-robbin"], None, "did you mean 'round-robin'"),
        (["--requests=R", "--seeds=4"], None, "--seeds is for drawn requests"),
        (["--requests=R", "--picture=a.jpg"], None, "--picture must end in .png"),
        (["--workload-spec=chat.yaml", "--seeds=0"], None, "--seeds"),
        ([], None, "no requests"),
    ],
)
def test_mistakes(compare, small: Path, monkeypatch, arguments, bundles, said):
    monkeypatch.chdir(small)
    arguments = [argument.replace("=R", "=requests.csv") for argument in arguments]
    status, text, error = compare(*arguments, **({} if bundles is None else {"bundles": bundles}))
    assert (status, text, error.count("\n")) == (2, "", 1)
    assert said in error


def test_two_files_of_one_name_go_by_their_paths():
    assert policy_names(["a/best.yaml", "b/best.yaml", "c.yaml"]) == {
        "a/best.yaml": "a/best.yaml",
        "b/best.yaml": "b/best.yaml",
        "c": "c.yaml",
    }
    with pytest.raises(InputError, match="twice"):
        policy_names(["a.yaml", "a.yaml"])
