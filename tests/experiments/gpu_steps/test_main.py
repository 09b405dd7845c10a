"""The command: a skip with its reason where nothing can be timed, one line for what is wrong."""

import json
import sys
from datetime import datetime
from types import SimpleNamespace

import pytest

from blis.workload.recorded.read import read_log
from experiments.gpu_steps.__main__ import main

MODEL = ["--model", "llama-3.1-8b-instruct"]


def torch_with(gpu: bool, name: str = "") -> SimpleNamespace:
    card = SimpleNamespace(name=name, total_memory=140 * 2**30)
    cuda = SimpleNamespace(is_available=lambda: gpu, get_device_properties=lambda device: card)
    return SimpleNamespace(__version__="2.11.0", cuda=cuda, version=SimpleNamespace(cuda="13.0"))


def test_without_pytorch_it_is_skipped(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert main(MODEL) == 0
    assert capsys.readouterr() == ("skipped: PyTorch is not installed\n", "")


def test_without_a_gpu_it_is_skipped(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", torch_with(gpu=False))
    assert main(MODEL) == 0
    assert capsys.readouterr().out == "skipped: PyTorch 2.11.0 finds no GPU\n"


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--model", "lama-3.1-8b-instruct"], "llama-3.1-8b-instruct"),
        ([*MODEL, "--tp", "0"], "--tp"),
        ([*MODEL, "--minutes", "0"], "--minutes"),
        ([*MODEL, "--out", "steps.txt"], "steps.txt: the name of a step log ends in .csv"),
        (["--hf-config", "nowhere.json"], "nowhere.json"),
        (["--model", "deepseek-v3"], "kv_latent"),
    ],
)
def test_what_is_wrong_is_one_line(flags, said, capsys):
    assert main(flags) == 2
    out, err = capsys.readouterr()
    assert not out and err.startswith("error: ") and err.count("\n") == 1 and said in err


def timed_on(card: str, monkeypatch, path) -> list[int]:
    """Run the command with a GPU of that name and a model whose steps cost something a prompt token; layers built."""
    monkeypatch.setitem(sys.modules, "torch", torch_with(gpu=True, name=card))
    built = []
    model = SimpleNamespace(step_us=lambda point: 5000.0 + 100 * point.step.prefill_tokens)
    layers = SimpleNamespace(ATTENTION="none", Model=lambda sizes, count: built.append(count) or model)
    monkeypatch.setitem(sys.modules, "experiments.gpu_steps.layers", layers)
    assert main([*MODEL, "--out", str(path)]) == 0
    return built


def test_what_is_timed_is_written_with_card_and_date(monkeypatch, capsys, tmp_path):
    path = tmp_path / "steps.csv"
    built = timed_on("NVIDIA H200", monkeypatch, path)
    steps = read_log(path).steps
    assert len(steps) > 100 and (steps["duration_us"] == 5000 + 100 * steps["prefill_tokens"]).all()
    about = json.loads((tmp_path / "steps.meta.json").read_text())
    assert about["hardware"]["device_name"] == "NVIDIA H200" and about["engine_kwargs"]["tensor_parallel_size"] == 1
    assert [about["torch"], about["cuda"], about["layers_built_of_each_kind"]] == ["2.11.0", "13.0", *built]
    assert datetime.fromisoformat(about["date"]).tzinfo is not None
    printed = capsys.readouterr().out
    assert "of bandwidth" in printed and "matmul_share" in printed and str(path) in printed


def test_a_gpu_that_nobody_knows_has_no_shares(monkeypatch, capsys, tmp_path):
    timed_on("Voodoo 2", monkeypatch, tmp_path / "steps.csv")
    printed = capsys.readouterr().out
    assert "Voodoo 2 is not in the catalogue" in printed and "of bandwidth" not in printed
