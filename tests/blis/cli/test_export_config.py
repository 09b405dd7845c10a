"""`blis export`: the files that deploy a bundle."""

import json

import pytest

from blis.cli.main import main
from blis.deploy.targets import TARGETS
from tests.places import CONF

POLICY = CONF / "policy" / "llm-d-default.yaml"


@pytest.fixture
def call(capsys):
    """Status, stdout and stderr of the command."""

    def run(*arguments):
        status = main(["export", *map(str, arguments)])
        return status, *capsys.readouterr()

    return run


def test_out_and_in_again(call, tmp_path):
    status, out, err = call(POLICY, "--target", "llm-d", "--out", tmp_path / "epp.yaml")
    assert (status, out) == (0, f"{tmp_path / 'epp.yaml'}: written, 2 remarks\n")
    assert all(line.startswith("blis: note: ") for line in err.splitlines())
    assert main(["import", str(tmp_path / "epp.yaml"), "--out", str(tmp_path / "mine.yaml")]) == 0
    assert (
        main(["export", str(tmp_path / "mine.yaml"), "--target", "llm-d", "--out", str(tmp_path / "again.yaml")]) == 0
    )
    texts = [(tmp_path / name).read_text().splitlines() for name in ("epp.yaml", "again.yaml")]
    first, second = ([line for line in text if not line.startswith("#")] for text in texts)
    assert first == second


def test_json_has_the_text_and_what_is_only_nearly_the_same(call):
    status, out, _ = call(POLICY, "--target", "llm-d", "--dialect", "gie-1.3", "--json")
    found = json.loads(out)
    assert status == 0
    assert "apiVersion: inference.networking.x-k8s.io/v1alpha1" in found["file"]
    assert all(f"# - {one[:40]}" in found["file"] for one in found["approximations"])


@pytest.mark.parametrize("target", [target for target in TARGETS if target.endswith("-router")])
def test_what_has_no_counterpart_is_one_line(call, tmp_path, target):
    status, out, err = call(POLICY, "--target", target, "--out", tmp_path / "x")
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert "routing.policy 'weighted' has no counterpart" in err
    assert not (tmp_path / "x").exists()
