"""An engine replica refuses what cannot be, and names the key."""

import pytest

from blis.config import KV, Batch, Hardware, Instance, LatencyModel, ModelShape, Roofline
from blis.config.instance import CacheTier
from blis.errors import InputError

GPU = Hardware(989, 3.35, 0.8, 100, 1, 0.5, 0.3, 5)
SHAPE = ModelShape(2, 64, 4)
ROOFLINE = Roofline(SHAPE, GPU)
FITTED = LatencyModel(beta=(1.0, 0.0, 0.0))


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: ModelShape(2, 65, 4), "hidden_size is no multiple of num_heads; give head_dim"),
        (lambda: ModelShape(0, 64, 4), "roofline.model.num_layers must be"),
        (lambda: ModelShape(2, 64, 4, experts=8), "give experts and 1 <= experts_per_token <= experts, or neither"),
        (lambda: ModelShape(2, 64, 4, experts=2, experts_per_token=3), "experts_per_token <= experts"),
        (lambda: ModelShape(2, 64, 4, bytes_per_param=0), "bytes_per_param must be > 0"),
        (lambda: Hardware(0, 3, 1, 0, 0, 1, 1, 0), "roofline.hardware.tflops_peak must be > 0"),
        (lambda: Hardware(1, 3, 1, -1, 0, 1, 1, 0), "roofline.hardware.step_overhead_us must be"),
        (lambda: Roofline(SHAPE, GPU, memory_utilization=1.1), "roofline.memory_utilization must be"),
        (lambda: LatencyModel(), "alpha and beta are all zero"),
        (lambda: LatencyModel(beta=(1.0,)), "latency_model.beta must have 3 values, got 1"),
        (lambda: LatencyModel(beta=(1.0, -1.0, 0.0)), r"latency_model.beta\[1\] must be"),
        (lambda: LatencyModel("blackbox", beta=(1, 0, 0), roofline=ROOFLINE), "roofline is not for kind 'blackbox'"),
        (lambda: LatencyModel("roofline", beta=(), tp=1), "a roofline needs model, hardware"),
        (lambda: LatencyModel("roofline", beta=(), roofline=ROOFLINE), "tp >= 1"),
        (lambda: LatencyModel("roofline", beta=(1, 0, 0), tp=1, roofline=ROOFLINE), "beta is not for kind 'roofline'"),
        (lambda: LatencyModel("rooflin"), "did you mean 'roofline'"),
        (lambda: KV(blocks=0), "kv.blocks must be"),
        (lambda: KV(transfer_bandwidth=0), "kv.transfer_bandwidth must be > 0"),
        (lambda: Batch(max_running=0), "batch.max_running must be"),
        (lambda: Batch(long_prefill_threshold=-1), "batch.long_prefill_threshold must be"),
        (lambda: Instance(FITTED, scheduler="fcsf"), "did you mean 'fcfs'"),
        (lambda: Instance(FITTED, priority="slak"), "did you mean 'slack'"),
        (lambda: Instance(FITTED, preemption="head"), "preemption"),
        (lambda: Instance(FITTED, scheduler_parameters={"noise": 1}), "noise"),
        (lambda: Instance(FITTED, priority="class-age", priority_parameters={"age": 1}), "age"),
    ],
)
def test_mistakes_name_the_key(make, problem):
    with pytest.raises(InputError, match=problem):
        make()


def test_a_roofline_needs_no_coefficients():
    assert LatencyModel("roofline", beta=(), tp=1, roofline=ROOFLINE).roofline is ROOFLINE
    assert ModelShape(2, 65, 4, head_dim=16).head_dim == 16


def test_there_is_a_second_tier_where_it_has_blocks():
    assert KV().lower_tiers == ()
    assert KV(cpu_blocks=7, transfer_bandwidth=2.0, transfer_base_latency_us=9).lower_tiers == (CacheTier(7, 2.0, 9),)
