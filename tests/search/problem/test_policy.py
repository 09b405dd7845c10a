"""One policy in one scenario: completed, applied and named once; what acts alike has one name."""

import pytest

from blis.config import Instance, LatencyModel, Scenario
from blis.policies.admission import ADMISSION
from blis.policies.bundle import bundle_mapping, load_bundle
from blis.policies.filters import FILTERS
from blis.policies.routing import ROUTING
from blis.scenario import apply_bundle, load_scenario
from search.problem.policy import make_policy

SCENARIO = Scenario(Instance(LatencyModel(alpha=(1.0, 0.0, 0.0), beta=(1.0, 1.0, 1.0))))


def name_of(mapping):
    return make_policy(SCENARIO, load_bundle(mapping)).id


def test_equal_behaviour_has_one_id():
    spelled_out = {"routing": {"policy": "round-robin", "tie_break": "random"}, "scheduler": "fcfs"}
    assert name_of(spelled_out) == name_of({})
    other = name_of({"routing": {"policy": "least-loaded"}})
    assert other != name_of({})
    assert len(other) == 12


def test_default_parameters_and_the_order_of_keys_change_no_id():
    spelled = {"admission": {"policy": "tier-shed", "parameters": {"min_priority": 0, "max_load": 64}}}
    assert name_of({"admission": {"policy": "tier-shed"}}) == name_of(spelled)


@pytest.mark.parametrize(
    ("detector", "thresholds"),
    [("never", set()), ("concurrency", {"max_concurrency"}), ("utilization", {"queue_threshold", "kv_threshold"})],
)
def test_of_the_gateway_queues_thresholds_those_of_its_detector_decide(detector, thresholds):
    queue = {"enabled": True, "detector": detector}
    before = name_of({"flow_control": queue})
    names = ("max_concurrency", "queue_threshold", "kv_threshold")
    assert {name for name in names if name_of({"flow_control": {**queue, name: 0.5}}) != before} == thresholds


def test_the_scenario_is_what_the_bundle_makes_of_it():
    bundle = load_bundle({"engine": {"max_running": 8}})
    assert make_policy(SCENARIO, bundle).scenario == apply_bundle(SCENARIO, bundle)


def test_a_policy_can_be_given_by_its_complete_bundle():
    policy = make_policy(SCENARIO, load_bundle({"scheduler": "sjf"}))
    assert policy.bundle == load_bundle({"scheduler": "sjf"}) != policy.complete
    assert policy.spelled_out() == make_policy(SCENARIO, policy.complete)


def test_completing_twice_changes_nothing():
    bundle = load_bundle({"routing": {"policy": "weighted"}, "admission": {"policy": "token-bucket"}})
    once = make_policy(SCENARIO, bundle)
    assert make_policy(SCENARIO, once.complete).complete == once.complete
    assert set(bundle_mapping(once.complete)) == {"admission", "routing", "priority", "scheduler", "engine"}


def test_a_completed_bundle_acts_the_same_and_says_so_in_its_id():
    plain = {"instance": {"latency_model": {"alpha": [1, 0, 0], "beta": [1, 1, 1]}}}
    special = {
        "instance": {**plain["instance"], "preemption": "priority"},
        "cluster": {
            "instances": 3,
            "flow_control": {"enabled": True, "max_concurrency": 5},
            "routing": {"policy": "weighted", "picker": "weighted-random", "filters": [{"name": "load"}]},
        },
        "slo_tiers": {"critical": {"priority": 4, "weight": 1, "ttft_ms": 100}},
        "pools": [{"count": 1, "batch": {"max_running": 8}}, {"count": 2}],
    }
    bundles = [
        {},
        {"admission": {"policy": "tier-shed"}},
        {"admission": {"policy": "tier-shed", "parameters": {"max_load": 3}}},
        {"admission": {"policy": "tenant-token-bucket", "token_bucket_capacity": 3}},
        {"flow_control": {"enabled": True}},
        {"flow_control": {"enabled": True, "detector": "utilization"}},
        {"flow_control": {"enabled": False}, "preemption": "tail"},
        {"preemption": "priority"},
        {"routing": {"filters": []}},
        {"routing": {"policy": "weighted", "picker": "weighted-random"}},
        {"routing": {"policy": "session-affinity", "parameters": {"spill_load": 2}}},
        {"slo_tiers": {"critical": {"ttft_ms": 400}}},
        {"slo_tiers": {"critical": {"ttft_ms": 30}}},
        {"scheduler": "shortest-predicted-output", "scheduler_parameters": {"noise": 1}},
        {"priority": {"policy": "class-age"}},
        {"engine": {"max_running": 8}},
    ]
    for scenario in (load_scenario(plain), load_scenario(special)):
        acts = {}
        for bundle in map(load_bundle, bundles):
            policy = make_policy(scenario, bundle)
            again = make_policy(scenario, policy.complete)
            assert (again.id, again.bundle, again.complete) == (policy.id, policy.complete, policy.complete)
            assert acts.setdefault(policy.id, effect(policy.scenario)) == effect(again.scenario)
            assert acts[policy.id] == effect(policy.scenario)


def effect(applied):
    """What decides, as far as this can be read off the scenario: parameters with their defaults, active knobs."""
    admission, routing = applied.cluster.admission, applied.cluster.routing
    return (
        (admission.policy, ADMISSION.values(admission.policy, admission.parameters)),
        applied.cluster.flow_control if applied.cluster.flow_control.enabled else None,
        (routing.policy, ROUTING.values(routing.policy, routing.parameters), routing.picker),
        [(one.name, FILTERS.values(one.name, one.parameters)) for one in routing.filters],
        (applied.instance.scheduler, applied.instance.priority, applied.instance.preemption),
        [replica.instance.batch for replica in applied.replicas],
        [applied.tier(name) for name in ("critical", "batch", "")],
    )


def test_how_many_instances_there_are_is_part_of_what_a_policy_decides():
    scaling = {"maximum": 4, "concurrency": 8}
    policy = make_policy(SCENARIO, load_bundle({"autoscaling": scaling}))
    assert policy.complete.autoscaling.maximum == 4 and policy.complete.autoscaling.sync_us == 15_000_000
    assert policy.id not in (name_of({}), name_of({"autoscaling": {**scaling, "minimum": 2}}))
    assert name_of({"autoscaling": {"concurrency": 8}}) == name_of({})
    scaled = apply_bundle(SCENARIO, load_bundle({"autoscaling": scaling}))
    assert bundle_mapping(make_policy(scaled, load_bundle({"autoscaling": {"maximum": 0}})).complete)[
        "autoscaling"
    ] == {"maximum": 0}


def test_whether_requests_are_sent_again_is_part_of_what_a_policy_decides():
    again = make_policy(SCENARIO, load_bundle({"retries": {"limit": 2}}))
    assert again.complete.retries.limit == 2 and again.complete.retries.budget == 0.2
    assert again.id not in (name_of({}), name_of({"retries": {"limit": 2, "budget": 1.0}}))
    assert name_of({"retries": {"limit": 0, "budget": 1.0}}) == name_of({})
    scenario = apply_bundle(SCENARIO, load_bundle({"retries": {"limit": 2}}))
    assert make_policy(scenario, load_bundle({"retries": {"limit": 0}})).complete.retries.limit == 0


def test_when_an_instance_is_left_alone_is_part_of_what_a_policy_decides():
    broken = make_policy(SCENARIO, load_bundle({"breaker": {"failures": 3}}))
    assert broken.complete.breaker.failures == 3 and broken.complete.breaker.open_us == 1_000_000
    assert broken.id not in (name_of({}), name_of({"breaker": {"failures": 3, "open_us": 7}}))
    assert name_of({"breaker": {"open_us": 7}}) == name_of({})
    scenario = apply_bundle(SCENARIO, load_bundle({"breaker": {"failures": 3}}))
    assert make_policy(scenario, load_bundle({"breaker": {"failures": 0}})).complete.breaker.failures == 0


def test_whether_copies_are_sent_is_part_of_what_a_policy_decides():
    hedged = make_policy(SCENARIO, load_bundle({"hedging": {"after_us": 7}}))
    assert hedged.complete.hedging.after_us == 7 and hedged.complete.hedging.budget == 0.05
    assert hedged.id not in (name_of({}), name_of({"hedging": {"after_us": 8}}))
    assert name_of({"hedging": {"budget": 0.5}}) == name_of({})
    scenario = apply_bundle(SCENARIO, load_bundle({"hedging": {"after_us": 7}}))
    assert make_policy(scenario, load_bundle({"hedging": {"after_us": 0}})).complete.hedging.after_us == 0
