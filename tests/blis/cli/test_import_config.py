"""`blis import`: a bundle from a router's configuration and an engine's arguments."""

import json

import pytest

from blis.cli.main import main
from blis.policies.bundle import load_bundle
from tests.blis.deploy.samples import PUBLISHED

SAMPLE = PUBLISHED / "optimized-baseline-spring.yaml"


@pytest.fixture
def call(capsys):
    """Status, stdout and stderr of the command."""

    def run(*arguments):
        status = main(["import", *map(str, arguments)])
        return status, *capsys.readouterr()

    return run


def test_a_bundle_that_can_be_loaded(call, tmp_path):
    status, out, err = call(SAMPLE, "--out", tmp_path / "mine.yaml")
    assert (status, out, err) == (0, f"{tmp_path / 'mine.yaml'}: written, no remarks\n", "")
    bundle = load_bundle(tmp_path / "mine.yaml")
    assert [scorer.weight for scorer in bundle.routing.scorers] == [2, 2, 3, 2]


def test_router_and_engine_in_one(call, tmp_path):
    (tmp_path / "serve.yaml").write_text("max-num-seqs: 32\n")
    status, out, err = call(SAMPLE, "--vllm", tmp_path / "serve.yaml", "--json")
    found = json.loads(out)
    assert status == 0
    assert found["bundle"]["engine"] == {"max_running": 32}
    assert found["bundle"]["routing"]["policy"] == "weighted"
    assert found["approximations"] == [line.removeprefix("blis: note: ") for line in err.splitlines()]


def test_remarks_are_comments_of_the_bundle(call):
    _, out, err = call(PUBLISHED / "epp-config.yaml")
    assert out.startswith(
        "# Where this is not the same as what it was made from:\n# - decode-filter: keeps all instances"
    )
    assert "blis: note: decode-filter: keeps all instances" in err


@pytest.mark.parametrize("arguments", [(), (PUBLISHED / "pd-epp-config.yaml",), ("nothing.yaml",)])
def test_wrong_input_is_one_line_and_writes_nothing(call, tmp_path, arguments):
    status, out, err = call(*arguments, "--out", tmp_path / "mine.yaml")
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert not (tmp_path / "mine.yaml").exists()


def test_an_empty_name_is_no_place_for_a_file(call):
    status, out, err = call(SAMPLE, "--out", "")
    assert (status, out, err.count("\n")) == (2, "", 1)
