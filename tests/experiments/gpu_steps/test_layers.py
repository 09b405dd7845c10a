"""Layers: shapes that PyTorch's CUDA operators accept, tokens that keep their place, what a GPU cannot do.

Only where PyTorch is installed; no GPU is needed, since PyTorch knows shapes without one.
"""

from dataclasses import replace

import pytest

from blis.errors import InputError
from blis.latency.catalog import find_model
from experiments.gpu_steps.plan import Point, plan
from experiments.gpu_steps.sizes import Sizes, sizes

torch = pytest.importorskip("torch", reason="layers are PyTorch's")

DENSE, MIXTURE = find_model("llama-3.1-8b-instruct"), find_model("qwen3-30b-a3b")
FP8 = {"bytes_per_param": 1.0, "head_bytes_per_param": 2.0, "math": "fp8"}
SMALL = replace(MIXTURE, hidden_size=64, experts=8, experts_per_token=2, expert_intermediate_size=32, vocab_size=100)


@pytest.fixture
def layers(monkeypatch):
    from experiments.gpu_steps import layers

    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *device: (9, 0))
    return layers


@pytest.mark.parametrize(
    "model",
    [
        DENSE,
        MIXTURE,
        replace(MIXTURE, dense_layers=3, shared_intermediate_size=1024),
        replace(DENSE, **FP8),
        replace(MIXTURE, expert_bytes_per_param=2.0, **FP8),
    ],
)
@pytest.mark.parametrize("tp", [1, 4])
def test_steps_of_the_plan_have_shapes_that_operators_accept(layers, monkeypatch, model, tp):
    from torch._subclasses.fake_tensor import FakeTensorMode

    found = []
    monkeypatch.setattr(layers, "gpu_us", lambda run: found.append(run()) or 1.0)
    built = sizes(model, tp)
    with FakeTensorMode():
        made = layers.Model(built, 2)
        for point in plan()[::10]:
            found.clear()
            made.step_us(point)
            tokens = point.prefills * point.tokens + point.decodes
            assert {(each.dtype, each.device.type) for each in found[: len(built.kinds)]} == {(torch.bfloat16, "cuda")}
            assert {tuple(each.shape) for each in found[: len(built.kinds)]} == {(tokens, model.hidden_size)}


def test_few_layers_stand_for_all_and_a_head_is_timed_once(layers, monkeypatch):
    from torch._subclasses.fake_tensor import FakeTensorMode

    timed = []
    monkeypatch.setattr(layers, "gpu_us", lambda run: timed.append(run) or 100.0 * len(timed))
    with FakeTensorMode():
        model = layers.Model(sizes(DENSE, 1), 2)
        assert model.step_us(Point(decodes=4, decode_context=100)) == 32 / 2 * 100 + 200
        assert model.step_us(Point(decodes=4, decode_context=200)) == 32 / 2 * 300 + 200
        assert model.step_us(Point(decodes=5, decode_context=200)) == 32 / 2 * 400 + 500


def test_what_experts_make_of_a_token_does_not_depend_on_the_others(layers, monkeypatch):
    monkeypatch.setattr(layers, "DEVICE", "cpu")
    torch.manual_seed(1)
    experts = layers.Experts(sizes(SMALL, 1).kinds[0])
    rows = torch.randn(20, SMALL.hidden_size, dtype=torch.bfloat16)
    together, order = experts(rows), torch.randperm(20)
    assert torch.allclose(experts(rows[order]), together[order], atol=0.02)
    assert torch.allclose(experts(rows[3:4]), together[3:4], atol=0.02)
    assert not torch.allclose(together[:1], together[1:2], atol=0.02)


def test_what_a_gpu_cannot_do_is_named(layers, monkeypatch):
    def refused(built: Sizes, said: str) -> None:
        with pytest.raises(InputError, match=said):
            layers.check_supported(built)

    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *device: (8, 0))
    layers.check_supported(sizes(DENSE, 1))
    refused(sizes(replace(DENSE, **FP8), 1), r"compute capability 8.0\) has no fp8")
    refused(sizes(MIXTURE, 1), "no grouped products for compute capability 8")
    monkeypatch.setattr(layers, "grouped_product", lambda: None)
    refused(sizes(MIXTURE, 1), "has no grouped products for experts")
