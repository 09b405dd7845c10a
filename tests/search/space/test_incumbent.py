"""A space around a policy that is there already: only what may change does, and it starts from there."""

from random import Random

import pytest

from blis.config import Instance, LatencyModel, Scenario
from blis.errors import InputError
from blis.policies.bundle import bundle_mapping, load_bundle
from search.problem.policy import make_policy
from search.space.codec import decode, encode, policy_values
from search.space.incumbent import Fixed, space_from
from search.space.parameters import Number, is_free
from search.space.space import space_from_mapping

RATES = {"offered_tokens_per_s": 100_000.0}
SCENARIO = Scenario(Instance(LatencyModel(alpha=(1.0, 0.0, 0.0), beta=(1.0, 1.0, 1.0))))
WEIGHT = {"type": "zero_or", "low": 0.01, "high": 1, "when": {"routing.policy": "weighted"}}
SPACE = space_from_mapping(
    {
        "routing": {
            "policy": {"type": "categorical", "choices": ["round-robin", "weighted"]},
            "scorers": {"prefix-affinity": WEIGHT, "queue-depth": WEIGHT},
            "filters": {"type": "templates", "choices": ["load"]},
        },
        "admission": {"policy": {"type": "templates", "choices": ["always-admit", "token-bucket", "utilization-shed"]}},
        "engine": {
            "max_running": {"type": "int", "low": 16, "high": 512, "log": True},
            "long_prefill_threshold": {"type": "categorical", "choices": [0, 256]},
        },
    }
)
MINE = {
    "routing": {
        "policy": "weighted",
        "scorers": [
            {"name": "prefix-affinity", "weight": 3},
            {"name": "load-aware", "weight": 1, "parameters": {"threshold": 64}},
        ],
        "filters": [{"name": "prefix-affinity", "parameters": {"threshold": 0.6}}],
    },
    "admission": {"policy": "utilization-shed", "parameters": {"queue_threshold": 7}},
    "engine": {"max_running": 1024, "long_prefill_threshold": 4096},
}


def policy(**changes):
    return make_policy(SCENARIO, load_bundle(MINE | changes))


def around(*vary, mine=None):
    return space_from(SPACE, mine or policy(), vary, RATES)


def candidates(space, mine, n=60):
    """Policies drawn from a space, as a search whose primary is `mine` would make them."""
    rng = Random(4)
    return [make_policy(SCENARIO, decode(space, space.sample(rng), RATES), mine) for _ in range(n)]


@pytest.mark.parametrize(
    ("vary", "free"),
    [
        (["routing.scorers"], ["routing.scorers.prefix-affinity", "routing.scorers.load-aware"]),
        (["routing.scorers.load-aware"], ["routing.scorers.load-aware"]),
        (["routing.scorers.queue-depth"], ["routing.scorers.queue-depth"]),
        (["engine"], ["engine.max_running", "engine.long_prefill_threshold"]),
        (["routing.filters"], ["routing.filters.prefix-affinity.use", "routing.filters.prefix-affinity.threshold"]),
        (["routing.filters.load"], ["routing.filters.load.use", "routing.filters.load.max_waiting"]),
        (["admission.parameters.queue_threshold"], ["admission.parameters.queue_threshold"]),
        (["admission.policy"], ["admission.policy"]),
        (["engine.max_running", "admission"], ["engine.max_running", "admission.policy"]),
    ],
)
def test_what_is_named_varies_and_the_rest_is_as_it_was(vary, free):
    mine = policy()
    space = around(*vary, mine=mine)
    assert set(free) <= {key for key, parameter in space.parameters.items() if is_free(parameter)}
    before = policy_values(mine)
    scale = before["routing.scorers.prefix-affinity"]
    lists = ("routing.scorers.", "routing.filters")
    for candidate in candidates(space, mine):
        for key, value in policy_values(candidate).items():
            may = any(key == one or key.startswith(f"{one}.") for one in vary)
            of_a_list = key.startswith(lists) and any(one.startswith(lists) for one in vary)
            of_admission = key.startswith("admission.") and "admission" in vary[-1]
            if not (may or of_a_list or of_admission):
                assert value == before[key], key
    assert scale == 3


def test_weights_that_stay_keep_their_ratio():
    space = around("routing.scorers.load-aware", "routing.scorers.queue-depth")
    for candidate in candidates(space, policy()):
        weights = {scorer.name: scorer.weight for scorer in candidate.complete.routing.scorers}
        assert weights["prefix-affinity"] == 1
    kept = around("routing.scorers.queue-depth").parameters
    assert kept["routing.scorers.load-aware"] == Fixed((1 / 3,))
    assert kept["routing.scorers.load-aware.threshold"] == Fixed((64.0,))


def test_scorers_of_the_space_that_the_policy_has_not_must_be_named():
    assert "routing.scorers.queue-depth" not in around("routing.scorers").parameters
    assert is_free(around("routing.scorers", "routing.scorers.queue-depth").parameters["routing.scorers.queue-depth"])


@pytest.mark.parametrize("vary", [["routing.scorers"], ["engine"], ["admission"], ["routing.filters", "engine"]])
def test_the_policy_is_a_point_of_the_space(vary):
    mine = policy()
    space = around(*vary, mine=mine)
    genome = encode(space, mine, RATES)
    assert genome is not None
    again = make_policy(SCENARIO, decode(space, genome, RATES), mine)
    mapping, before = bundle_mapping(again.complete), bundle_mapping(mine.complete)
    scorers = [one["routing"].pop("scorers") for one in (mapping, before)]
    assert mapping == before
    assert [one["name"] for one in scorers[0]] == [one["name"] for one in scorers[1]]
    ratio = [scorer["weight"] / scorers[0][0]["weight"] for scorer in scorers[0]]
    assert ratio == pytest.approx([scorer["weight"] / 3 for scorer in scorers[1]])


def test_scores_are_added_in_the_order_of_the_policy():
    scorers = [{"name": name, "weight": 1} for name in ("load-aware", "queue-depth", "prefix-affinity")]
    mine = policy(routing={"policy": "weighted", "scorers": scorers})
    space = around("routing.scorers", mine=mine)
    again = decode(space, encode(space, mine, RATES), RATES)
    assert [scorer.name for scorer in again.routing.scorers] == ["load-aware", "queue-depth", "prefix-affinity"]


def test_ranges_reach_the_values_of_the_policy():
    parameters = around("engine").parameters
    assert (parameters["engine.max_running"].low, parameters["engine.max_running"].high) == (16, 1024)
    assert parameters["engine.long_prefill_threshold"].choices == (0, 256, 4096)
    small = policy(
        routing=MINE["routing"]
        | {"scorers": [{"name": "prefix-affinity", "weight": 1}, {"name": "queue-depth", "weight": 0.001}]}
    )
    found = around("routing.scorers", mine=small).parameters["routing.scorers.queue-depth"]
    assert isinstance(found, Number)
    assert found.low == 0.001


def test_numbers_relative_to_a_rate_start_from_the_policy():
    bucket = {"policy": "token-bucket", "token_bucket_capacity": 2e6, "token_bucket_refill_rate": 150_000}
    mine = policy(admission=bucket)
    genome = encode(around("admission", mine=mine), mine, RATES)
    assert genome["admission.token_bucket_refill_rate"] == pytest.approx(1.5)
    assert genome["admission.token_bucket_capacity"] == pytest.approx(20)


def test_a_baseline_of_other_fixed_weights_is_not_in_the_space():
    other = policy(
        routing=MINE["routing"]
        | {"scorers": [{"name": "prefix-affinity", "weight": 3}, {"name": "load-aware", "weight": 2}]}
    )
    assert encode(around("routing.scorers.queue-depth"), other, RATES) is None
    assert encode(around("routing.scorers"), other, RATES) is not None


@pytest.mark.parametrize(
    ("vary", "message"),
    [
        (["routing.scorer"], "unknown key in vary 'routing.scorer' (did you mean 'routing.scorers'?)"),
        (["preemption"], "(search_space does not name it)"),
        (["admission.token_bucket_capacity"], "vary: nothing of admission.token_bucket_capacity can change"),
        ([], "vary is empty: name what may change"),
    ],
)
def test_what_cannot_vary(vary, message):
    with pytest.raises(InputError) as error:
        around(*vary)
    assert message in str(error.value)


def test_scorers_of_a_policy_that_does_not_score():
    with pytest.raises(InputError, match=r"nothing of routing\.scorers can change"):
        around("routing.scorers", mine=policy(routing={"policy": "round-robin"}))
