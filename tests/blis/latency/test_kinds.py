"""What the engine counts on, of every registered kind of latency model."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from blis.config import KV, Batch, Compat, Instance, LatencyModel, Roofline, Scenario
from blis.engine.build.outcome import collect
from blis.engine.build.state import encode
from blis.engine.columns import COUNTS, TIMES
from blis.engine.instance.latency import step_us
from blis.engine.run import resume
from blis.errors import InputError
from blis.latency import LATENCY
from blis.latency.catalog import find_model, gpu_catalog
from blis.latency.step import Step
from blis.tables.requests import RequestTable
from blis.workload.assemble import table_from_tokens
from tests.kernels import callable_kernel

#: One of each kind.
EXAMPLES = {
    "blackbox": LatencyModel(beta=(1000.5, 2.25, 3.3)),
    "linear": LatencyModel(
        "linear",
        beta=(),
        parameters={
            "fixed_us": 900.5,
            "prefill_us_token": 2.25,
            "prefill_us_request": 100.0,
            "decode_us_request": 3.3,
            "context_us_token": 0.01,
            "pair_us": 0.003,
            "ramp_us": 500.0,
        },
    ),
    **{
        kind: LatencyModel(
            kind,
            beta=(),
            tp=2,
            roofline=Roofline(find_model("qwen3-14b"), gpu_catalog().find("H100").hardware),
        )
        for kind in ("roofline", "roofline-original")
    },
}
KINDS = [pytest.param(kind, id=kind) for kind in LATENCY]


def random_step(rng: Random) -> Step:
    prefills, decodes = rng.choice([0, 1, 3]), rng.choice([0, 1, 40])
    tokens, context = prefills * rng.randint(1, 500), prefills * rng.choice([0, 700])
    return Step(prefills, tokens, tokens * rng.randint(0, 900), context, decodes, decodes * rng.randint(1, 900))


def engine_us(model: LatencyModel, step: Step) -> int:
    """What the compiled engine says of a step."""
    w = encode(Scenario(Instance(model)), table_from_tokens([0], [[1]], [[1]]), Compat()).arrays
    for name, value in step._asdict().items():
        if name != "decode_context":
            w.instances[0].step[name] = value
    w.instances[0].decode_base = step.decode_context - step.decodes
    return int(callable_kernel(step_us)(w, 0))


@pytest.mark.parametrize("kind", KINDS)
def test_more_of_anything_takes_no_less_time(kind: str):
    rng, model = Random(3), EXAMPLES[kind]
    for _ in range(100):
        step = random_step(rng)
        before = LATENCY.step_us(model, step, Compat())
        assert before >= LATENCY.step_us(model, Step(), Compat()) >= 0
        for name in Step._fields:
            more = step._replace(**{name: getattr(step, name) + rng.randint(1, 50)})
            assert LATENCY.step_us(model, more, Compat()) >= before, name


@pytest.mark.parametrize("kind", KINDS)
def test_python_and_the_engine_say_the_same(kind: str):
    rng, model = Random(4), EXAMPLES[kind]
    for _ in range(50):
        step = random_step(rng)
        assert engine_us(model, step) == int(LATENCY.step_us(model, step, Compat()))


@pytest.mark.parametrize("kind", KINDS)
def test_constant_while_decoding_is_no_empty_promise(kind: str):
    model = EXAMPLES[kind]
    few, many = (Step(decodes=9, decode_context=context) for context in (9, 90_000))
    same = LATENCY.step_us(model, few, Compat()) == LATENCY.step_us(model, many, Compat())
    assert same == LATENCY.constant_while_decoding(kind, LATENCY.parameters(model, Compat()))


@pytest.mark.parametrize(("context_us", "leaps"), [(0.0, True), (0.01, False)])
def test_a_linear_model_leaps_where_context_costs_nothing(context_us: float, leaps: bool):
    """One that says what blackbox says has its every time; only then are many steps one entry of the log."""
    table = table_from_tokens([0, 5000], [[1] * 40, [2] * 9], [[1] * 300, [1] * 120])
    linear = {"fixed_us": 1000.0, "prefill_us_token": 2.0, "decode_us_request": 3.0, "context_us_token": context_us}
    models = (LatencyModel("linear", beta=(), parameters=linear), LatencyModel(beta=(1000.5, 2.0, 3.0)))
    ours, blackbox = (outcome(Scenario(Instance(model, KV(80), Batch(16, 64))), table, -1) for model in models)
    assert (ours == blackbox) == leaps
    assert sum(count for *_, count, _ in ours["steps"]) == sum(count for *_, count, _ in blackbox["steps"])


def outcome(scenario: Scenario, table: RequestTable, steps: int) -> dict[str, Any]:
    """All that a run leaves, coming back after so many steps."""
    state = encode(scenario, table, Compat())
    while resume(state, steps):
        pass
    result = collect(*state.results(), scenario, table, Compat())
    columns = {name: getattr(result, name).tolist() for name in (*TIMES, *COUNTS)}
    return columns | {"counters": result.instances.tolist(), "steps": result.steps.tolist()}


@pytest.mark.parametrize("kind", KINDS)
def test_many_steps_at_once_are_as_many_one_by_one(kind: str):
    rng = Random(5)
    arrivals = sorted(rng.randint(0, 3_000_000) for _ in range(60))
    prompts = [[rng.randint(0, 9) for _ in range(rng.randint(1, 90))] for _ in arrivals]
    table = table_from_tokens(arrivals, prompts, [[1] * rng.randint(1, 200) for _ in arrivals])
    scenario = Scenario(Instance(EXAMPLES[kind], KV(80), Batch(16, 64)))
    at_once = outcome(scenario, table, -1)
    assert sum(count for _, _, count, _ in at_once["steps"]) > 300
    assert outcome(scenario, table, 1) == at_once


@pytest.mark.parametrize(
    ("latency", "part"),
    [
        ({"kind": "blackbox", "beta": (1.0, 2.0)}, "latency_model.beta must have 3 values, got 2"),
        ({"kind": "blackbox", "parameters": {"x": 1.0}}, "latency_model.parameters is not for kind 'blackbox'"),
        ({"kind": "roofline", "parameters": {"x": 1.0}}, "latency_model.parameters is not for kind 'roofline'"),
        ({"kind": "roofline", "beta": ()}, "a roofline needs model, hardware"),
        ({"kind": "roofing"}, r"unknown latency_model.kind 'roofing' \(did you mean 'roofline'\?\)"),
    ],
)
def test_a_model_has_what_its_kind_needs_and_no_more(latency: dict[str, Any], part: str):
    with pytest.raises(InputError, match=part):
        LatencyModel(**{"alpha": (1.0, 0.0, 0.0), **latency})
