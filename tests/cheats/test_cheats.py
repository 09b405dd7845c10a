"""No cheat looks good: the table of scores at 0.6, 0.9 and 1.3 of saturation (print it with `pytest -s`).

Below saturation every request can be served, so the honest best is the baseline itself, at 0. Over capacity
somebody must go: the honest best is shedding at random, at whatever share does best, or a token bucket that
the default search space can express.
"""

from functools import cache

import numpy as np
import pytest

from blis.config import Scenario
from blis.engine.run import simulate
from blis.fitness.make import make_fitness
from blis.fitness.relative import RelativeFitness
from blis.policies.bundle import load_bundle
from blis.scenario import apply_bundle, load_scenario
from blis.tables.records import COMPLETED, QUEUED, REJECTED
from blis.tables.requests import RequestTable
from blis.workload.draw.generate import generate
from blis.workload.draw.spec import load_spec
from blis.workload.subset import keep_rows
from blis.yaml_strict import load_mapping
from tests.cheats.cheats import (
    ending,
    everything,
    full_bucket,
    heaviest,
    of_class,
    postpone,
    randomly,
    shed,
    steady_bucket,
    token_budget,
    with_tenants_without_prefix,
    without,
    without_prefix,
)
from tests.places import CONF

DEFAULT_LOAD = 0.7  # of saturation: where the default workload runs
LOADS = (0.6, 0.9, 1.3)
BELOW = LOADS[:2]
OVER = LOADS[2]
TABLES = 12
NOISE = 0.005

RANDOM = {f"random {share:.0%}": shed(randomly(share)) for share in (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4)}
STEADY = {  # 0.27 s of the tokens offered at 1.3 of saturation is the smallest capacity of the default space
    f"bucket {refill:.0%} {capacity_s} s": steady_bucket(refill, capacity_s)
    for refill in (0.8, 0.85, 0.9)
    for capacity_s in (0.27, 0.5)
}
HONEST_SHEDDING = RANDOM | STEADY
HONEST_BUDGETS = {f"budget {tokens}": token_budget(tokens) for tokens in (2048, 4096, 8192)}
HEAVIEST = {f"shed the heaviest {share:.0%}": shed(heaviest(share)) for share in (0.05, 0.1)}
SHEDDING = {
    "reject everything": shed(everything),
    "give up class batch": shed(of_class("batch")),
    "give up class standard": shed(of_class("standard")),
    "give up class critical": shed(of_class("critical")),
    "drop tenants without prefix": shed(without_prefix),
    "postpone class batch": postpone(of_class("batch")),
    "postpone the heaviest 2%": postpone(heaviest(0.02)),
}
BUCKETS = {f"full bucket for {share:.0%}": full_bucket(share) for share in (0.8, 0.9, 1.0)}
BUDGETS = {"huge chunks": token_budget(1_000_000)}
ALL = HONEST_SHEDDING | HONEST_BUDGETS | HEAVIEST | SHEDDING | BUCKETS | BUDGETS


@cache
def fitness() -> RelativeFitness:
    found = make_fitness(load_mapping(CONF / "fitness" / "relative.yaml"))
    assert isinstance(found, RelativeFitness)
    return found


@cache
def scenario() -> Scenario:
    baseline = load_bundle(CONF / "policy" / "llm-d-default.yaml")
    return apply_bundle(load_scenario(CONF / "cluster" / "h100x4.yaml"), baseline)


@cache
def tables(load: float) -> list[RequestTable]:
    spec = load_spec(CONF / "workload" / "chat_prefix.yaml")
    drawn = [generate(spec, seed, rate_scale=load / DEFAULT_LOAD) for seed in range(TABLES)]
    return [with_tenants_without_prefix(table) for table in drawn]


@cache
def score(name: str, load: float) -> float:
    """The mean score of a policy of ALL against the honest baseline that runs as long."""
    values = []
    for table in tables(load):
        base = ending(scenario(), table) if name.startswith("postpone") else scenario()
        outcome, baseline = (
            fitness().outcome(scenario(), table, result)
            for result in (ALL[name](scenario(), table, simulate), simulate(base, table))
        )
        values.append(fitness().compare(outcome, baseline).value)
    return float(np.mean(values))


def honest_best(names: dict, load: float) -> float:
    """The best score of honest policies of a kind, the baseline's 0 included."""
    return max(0.0, *(score(name, load) for name in names))


def test_the_table():
    lines = ["".ljust(30) + "".join(f"{load:>8}" for load in LOADS)]
    lines += [name.ljust(30) + "".join(f"{score(name, load):+8.3f}" for load in LOADS) for name in ALL]
    print("\n" + "\n".join(lines))
    assert all(score("budget 2048", load) == 0 for load in LOADS)  # the baseline itself


@pytest.mark.parametrize("load", BELOW)
@pytest.mark.parametrize("name", [*RANDOM, *SHEDDING, *HEAVIEST])
def test_below_saturation_shedding_of_any_kind_costs(name: str, load: float):
    assert score(name, load) < 0


@pytest.mark.parametrize("name", SHEDDING)
def test_over_capacity_no_cheat_beats_honest_shedding(name: str):
    assert score(name, OVER) < honest_best(HONEST_SHEDDING, OVER)


def test_dropping_tenants_without_prefix_does_not_beat_equal_shedding():
    gone = np.mean([without_prefix(table).mean() for table in tables(OVER)])
    assert gone == pytest.approx(0.1, abs=0.01)
    assert score("drop tenants without prefix", OVER) < score("random 10%", OVER)


@pytest.mark.xfail(strict=True, reason="over capacity heavy requests give back more capacity than u charges")
@pytest.mark.parametrize("name", HEAVIEST)
def test_over_capacity_shedding_the_heaviest_does_not_beat_honest_shedding(name: str):
    assert score(name, OVER) < honest_best(HONEST_SHEDDING, OVER)


@pytest.mark.parametrize("load", LOADS)
@pytest.mark.parametrize("name", BUCKETS)
def test_a_bucket_that_lasts_for_the_scored_requests_gains_nothing(name: str, load: float):
    assert score(name, load) < honest_best(HONEST_SHEDDING, load) + NOISE


@pytest.mark.parametrize("load", LOADS)
def test_huge_chunks_do_not_beat_honest_ones(load: float):
    assert score("huge chunks", load) < honest_best(HONEST_BUDGETS, load)


def test_a_part_of_a_table_is_the_table_without_the_rest():
    """Rows that are never admitted leave no trace: a cut table runs like a table of those rows alone."""
    table = tables(0.6)[0]
    keep = np.arange(len(table)) % 3 > 0
    some = keep_rows(table, keep)
    assert len(some) == keep.sum() and some.path_offset[-1] == len(some.path_node)
    assert (some.path_end_token[some.path_offset[1:] - 1] == (some.input_tokens + some.output_tokens)).all()
    whole, again = simulate(scenario(), keep_rows(table, np.ones(len(table), bool))), simulate(scenario(), table)
    assert (whole.e2e_us == again.e2e_us).all() and (whole.instance == again.instance).all()


def test_rows_that_are_gone_come_back_with_their_status():
    table = tables(0.6)[0]
    gone = np.arange(len(table)) % 2 == 0
    result = without(scenario(), table, gone, simulate, QUEUED)
    assert (result.status[gone] == QUEUED).all() and (result.status[~gone] == COMPLETED).all()
    assert (result.e2e_us[gone] == -1).all() and (result.e2e_us[~gone] > 0).all()
    nothing = without(scenario(), table, everything(table), simulate, REJECTED)
    assert (nothing.status == REJECTED).all() and (nothing.ttft_us == -1).all()
