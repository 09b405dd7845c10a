"""Specifications as one: everybody sends as before."""

from __future__ import annotations

import numpy as np
import pytest

import blis
from blis.errors import InputError
from blis.workload.draw.compose import composed, written_out
from blis.workload.draw.spec import load_spec, spec_mapping

CONSTANT = {"type": "constant", "params": {"value": 9}}
DRAWN = {"type": "exponential", "params": {"mean": 50}}
CROWD = {
    "arrival": {"process": "poisson"},
    "tenants": {"count": 5},
    "classes": {"slow": 1.0},
    "input_distribution": DRAWN,
    "output_distribution": DRAWN,
}


def client(name="", **more):
    lengths = {"input_distribution": DRAWN, "output_distribution": DRAWN}
    return {"id": name, "tenant_id": name, "rate_fraction": 1, "arrival": {"process": "poisson"}, **lengths} | more


def spec(rate=10.0, **more):
    return load_spec({"aggregate_rate": rate, "num_requests": 2000, **more})


def both(one, other):
    return composed({"a.yaml": one, "b.yaml": other})


def rates(whole):
    return dict(zip(whole.sender_names, np.multiply(whole.rate_shares, whole.aggregate_rate).tolist(), strict=True))


def test_everybody_has_the_rate_that_it_had():
    one = spec(10, clients=[client("x", rate_fraction=3), client("y", rate_fraction=2)])
    whole = both(one, spec(40, clients=[client("z", rate_fraction=0.1)], population=CROWD | {"rate_fraction": 0.3}))
    assert (whole.aggregate_rate, whole.num_requests) == (50, 4000)
    assert rates(whole) == pytest.approx({"x": 6, "y": 4, "z": 10, "": 30})
    assert spec_mapping(load_spec(spec_mapping(whole))) == spec_mapping(whole)


def test_requests_of_a_client_are_those_that_it_sent_alone():
    """But for rounding: rates are added up and divided again."""
    one, other = spec(10, clients=[client("x")]), spec(30, clients=[client("y")])
    alone, together = blis.generate(one, seed=5), blis.generate(both(one, other), seed=5)
    mine = np.array(together.tenant_names)[together.tenant] == "x"
    n = min(len(alone), int(mine.sum()))
    assert n > 500
    np.testing.assert_allclose(together.arrival_us[mine][:n], alone.arrival_us[:n], atol=1)
    np.testing.assert_array_equal(together.input_tokens[mine][:n], alone.input_tokens[:n])


def test_ids_stay_unique_and_as_they_are_where_they_can():
    one = spec(clients=[client("x"), client()])
    assert both(one, spec(clients=[client("x"), client(), client("x-2")])).sender_names == (
        *("x", "client_1", "x-2", "client_1-2", "x-2-2"),
    )


def test_what_is_said_of_all_goes_to_each():
    chat = {"reasoning": {"reason_ratio_distribution": CONSTANT, "multi_turn": {"max_rounds": 2}}}
    stages = {"stages": [{"duration_s": 5, "factor": 1}]}
    old = spec(version="1", rate_over_time=stages, clients=[client("x", **chat)])
    whole = both(old, spec(version="2", clients=[client("y", **chat), client("z", prefix_group="p")]))
    x, y, z = whole.clients
    assert (whole.version, whole.rate_over_time) == ("2", None)
    assert [one.rate_over_time is None for one in (x, y, z)] == [False, True, True]
    assert [whole.closed_loop(one) for one in (x, y)] == [False, True]
    assert z.prefix_length == 50


def test_the_population_keeps_its_seed():
    crowd = spec(seed=7, population=CROWD)
    whole = both(spec(seed=3, clients=[client("x")]), crowd)
    assert whole.seed == 7 and whole.population.tenants == crowd.population.tenants


@pytest.mark.parametrize(
    ("one", "other", "problem"),
    [
        (spec(population=CROWD), spec(population=CROWD), "population: a.yaml and b.yaml have one each"),
        (spec(clients=[client()]), spec(num_requests=0, horizon=5, clients=[client()]), "num_requests: b.yaml says no"),
        (
            spec(clients=[client()]),
            spec(horizon=5, clients=[client()]),
            "horizon: must be the same in all, got none in a.yaml, 5 in b.yaml",
        ),
        (
            spec(clients=[client("x", prefix_group="p")]),
            spec(clients=[client("y", prefix_group="p", prefix_length=70)]),
            "clients[1].prefix_length: 70, but another client of group 'p' says 50",
        ),
    ],
)
def test_what_contradicts_is_refused_by_key(one, other, problem):
    with pytest.raises(InputError) as info:
        both(one, other)
    assert str(info.value).startswith(problem)


def test_a_specification_that_is_written_out_draws_the_same():
    block = {
        "stages": [{"rate": 8.0, "duration": 20}, {"rate": 20.0, "duration": 20}],
        "shared_prefix": {
            "num_unique_system_prompts": 3,
            "num_users_per_system_prompt": 2,
            "system_prompt_len": 100,
            "question_len": 40,
            "output_len": 20,
        },
    }
    short = load_spec({"inference_perf": block})
    table, again = (blis.generate(one, seed=2) for one in (short, load_spec(spec_mapping(written_out(short)))))
    for name in ("arrival_us", "input_tokens", "path_node", "tenant"):
        np.testing.assert_array_equal(getattr(again, name), getattr(table, name))
