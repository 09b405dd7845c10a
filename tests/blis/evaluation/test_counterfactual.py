"""What if: taking the same choice again changes nothing, whatever the rules of the run."""

from dataclasses import replace

import pytest

from blis.config import Compat
from blis.engine.observe import Observe
from blis.engine.run import simulate
from blis.errors import InputError
from blis.evaluation.counterfactual import realised_regret_us, replay_records, what_if
from blis.scenario import load_scenario
from blis.tables.records import COMPLETED
from blis.workload.assemble import table_from_tokens

SCENARIO = load_scenario(
    {
        "cluster": {"instances": 3, "routing": {"policy": "always-busiest"}},
        "instance": {
            "latency_model": {"alpha": [1000, 10, 50], "beta": [5000, 20, 100]},
            "kv": {"blocks": 100, "block_size_tokens": 4},
        },
    }
)
TABLE = table_from_tokens(
    [0, 0, 1000, 2000], [range(1, 17), range(101, 109), range(1, 17), range(1, 17)], [range(4), range(6), [7], range(8)]
)
ORIGINAL = Compat.original()


@pytest.fixture(scope="module")
def as_original():
    """A run by the original's rules, which give other times than ours."""
    result = simulate(SCENARIO, TABLE, ORIGINAL)
    assert (result.e2e_us != simulate(SCENARIO, TABLE).e2e_us).any()
    return result


def test_the_same_choice_by_the_same_rules_changes_nothing(as_original):
    for row in range(len(TABLE)):
        (same,) = what_if(SCENARIO, TABLE, as_original, row, [as_original.instance[row].item()], ORIGINAL)
        assert (same.ttft_us, same.e2e_us, same.mean_ttft_us, same.mean_e2e_us, same.completed) == (0, 0, 0, 0, 0)


def test_records_replay_by_the_rules_of_the_run(as_original):
    (record,) = replay_records(SCENARIO, TABLE, as_original, {2: [0, 1]}, ORIGINAL)
    forced = simulate(SCENARIO, TABLE, ORIGINAL, Observe(forced_row=2, forced_instance=1))
    same, other = record["instead"]
    assert (same["e2e_change_ms"], same["mean_e2e_change_ms"]) == (0, 0)
    assert other["e2e_change_ms"] == (forced.e2e_us[2] - as_original.e2e_us[2]) / 1000 != 0
    assert other["mean_ttft_change_ms"] == pytest.approx((forced.ttft_us - as_original.ttft_us).mean() / 1000)
    assert (record["request_id"], record["chosen_instance"]) == ("request_2", "instance_0")


def test_the_realised_regret_is_what_the_best_other_choice_would_have_saved(as_original):
    found = what_if(SCENARIO, TABLE, as_original, 3, compat=ORIGINAL)
    assert [one.instead for one in found] == [1, 2]
    assert realised_regret_us(found) == -min(one.e2e_us for one in found) > 0
    assert realised_regret_us([]) == 0


def test_a_horizon_leaves_some_without_a_time_and_others_complete():
    scenario = replace(SCENARIO, horizon_us=24_000)
    result = simulate(scenario, TABLE)
    (found,) = what_if(scenario, TABLE, result, 1, [1])
    forced = simulate(scenario, TABLE, None, Observe(forced_row=1, forced_instance=1))
    both = (result.e2e_us >= 0) & (forced.e2e_us >= 0)
    assert 0 < both.sum() < (forced.e2e_us >= 0).sum()
    assert found.mean_e2e_us == pytest.approx((forced.e2e_us - result.e2e_us)[both].mean())
    assert found.completed == (forced.status == COMPLETED).sum() - (result.status == COMPLETED).sum() > 0


@pytest.mark.parametrize("instance", [-1, 3])
def test_there_are_no_other_instances(as_original, instance):
    with pytest.raises(InputError, match="instance must be"):
        what_if(SCENARIO, TABLE, as_original, 0, [instance], ORIGINAL)
