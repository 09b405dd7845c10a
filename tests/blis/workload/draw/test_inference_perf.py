import copy

import numpy as np
import pytest

from blis.errors import InputError
from blis.workload.draw.generate import generate
from blis.workload.draw.spec import load_spec, spec_mapping

BLOCK = {
    "version": "1",
    "seed": 42,
    "inference_perf": {
        "stages": [{"rate": 8.0, "duration": 600}, {"rate": 20.0, "duration": 600}],
        "shared_prefix": {
            "num_unique_system_prompts": 9,
            "num_users_per_system_prompt": 5,
            "system_prompt_len": 100,
            "question_len": 447,
            "output_len": 248,
            "enable_multi_turn_chat": False,
        },
    },
}


def with_block(**changes):
    mapping = copy.deepcopy(BLOCK)
    for path, value in changes.items():
        part, key = path.split("__")
        mapping["inference_perf"][part][key] = value
    return mapping


def test_the_example_of_the_original_runs_at_the_rate_of_every_stage():
    """Neither clients nor a rate nor an end are given: the block says all of it."""
    spec = load_spec(BLOCK)
    assert (spec.aggregate_rate, spec.category, spec.num_requests) == (14, "language", 0)
    assert [len(spec.clients), spec.clients[7].id, spec.clients[7].tenant_id] == [45, "prompt-1-user-2", "prompt-1"]
    table = generate(spec, 1)
    early, late = np.histogram(table.arrival_us, [0, 600e6, 1200e6])[0]
    assert (early, late) == (pytest.approx(4800, rel=0.05), pytest.approx(12_000, rel=0.04))
    assert early + late == len(table)
    assert set(table.input_tokens.tolist()) == {547} and set(table.output_tokens.tolist()) == {248}
    assert table.tree.n_shared == 9


def test_it_is_the_specification_that_one_would_write_by_hand():
    spec = load_spec(BLOCK)
    clients = [
        {
            "id": f"prompt-{prompt}-user-{user}",
            "tenant_id": f"prompt-{prompt}",
            "slo_class": "batch",
            "rate_fraction": 1 / 45,
            "arrival": {"process": "poisson"},
            "input_distribution": {"type": "constant", "params": {"value": 447}},
            "output_distribution": {"type": "constant", "params": {"value": 248}},
            "prefix_group": f"prompt-{prompt}",
            "prefix_length": 100,
        }
        for prompt in range(9)
        for user in range(5)
    ]
    stages = [{"duration_s": 600, "factor": 8 / 14}, {"duration_s": 600, "factor": 20 / 14}]
    by_hand = {"seed": 42, "category": "language", "aggregate_rate": 14, "rate_over_time": {"stages": stages}}
    assert load_spec(by_hand | {"clients": clients}) == spec == load_spec(spec_mapping(spec))


def test_a_chat_has_rounds_behind_its_prefix():
    spec = load_spec(with_block(shared_prefix__enable_multi_turn_chat=True))
    assert spec.category == "reasoning"
    table = generate(spec, 1, n=1000)
    first = table.round == 0
    assert set(table.input_tokens[first].tolist()) == {547}
    assert set(table.input_tokens[table.round == 1].tolist()) == {547 + 248 + 447}
    assert table.round.max() == 4
    assert not table.origin.reason_ratio.any()


def test_a_prefix_of_nothing_is_none():
    assert set(generate(load_spec(with_block(shared_prefix__system_prompt_len=0)), 1, n=99).input_tokens) == {447}


@pytest.mark.parametrize(
    ("mapping", "problem"),
    [
        (BLOCK | {"aggregate_rate": 28}, "aggregate_rate 28: the stages of inference_perf send 14 a second"),
        (BLOCK | {"clients": [{}]}, "clients and inference_perf both say who sends"),
        (with_block(shared_prefix__question_len=0), "inference_perf.shared_prefix: question_len must be"),
        (with_block(shared_prefix__num_unique_system_prompts=0), "num_unique_system_prompts must be"),
        ({"inference_perf": {"stages": []}}, "missing key inference_perf.shared_prefix"),
        ({"inference_perf": BLOCK["inference_perf"] | {"stages": []}}, "stages: at least one must be given"),
        (
            {"inference_perf": BLOCK["inference_perf"] | {"stages": [{"rate": 0, "duration": 1}]}},
            r"inference_perf.stages\[0\]: rate must be > 0",
        ),
    ],
)
def test_a_wrong_block_is_named(mapping, problem):
    with pytest.raises(InputError, match=problem):
        load_spec(mapping)


def test_the_rate_of_the_stages_may_be_said_again():
    assert load_spec(BLOCK | {"aggregate_rate": 14.0}) == load_spec(BLOCK)
