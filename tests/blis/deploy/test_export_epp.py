"""A bundle as a configuration, and back: the same bundle."""

from random import Random

import pytest

import blis
from blis.deploy.config import read_config
from blis.deploy.dialects import DIALECTS, GIE, ROUTER
from blis.deploy.document import Document, parse_document
from blis.deploy.export_epp import export_epp
from blis.deploy.import_epp import import_epp
from blis.deploy.notes import Notes
from blis.policies.bundle import load_bundle
from blis.yaml_strict import load_mapping, yaml_text
from tests.blis.deploy.random_bundles import router_bundle
from tests.places import CONF


def test_a_thousand_random_bundles_come_back_as_they_were():
    rng = Random(12)
    for _ in range(1000):
        bundle = router_bundle(rng)
        mapping = export_epp(bundle, DIALECTS[ROUTER], Notes())
        assert load_bundle(import_epp(Document("epp.yaml", mapping, {}), Notes())) == bundle


def test_so_they_do_through_a_file():
    rng = Random(13)
    for _ in range(25):
        bundle = router_bundle(rng)
        text = yaml_text(export_epp(bundle, DIALECTS[ROUTER], Notes()))
        assert load_bundle(import_epp(parse_document(text, "epp.yaml"), Notes())) == bundle


def test_and_through_the_older_dialect_where_it_has_all_of_it():
    rng = Random(14)
    scorers = ("prefix-affinity", "queue-waiting", "kv-utilization", "running-requests")
    for _ in range(100):
        names = rng.sample(scorers, rng.randint(1, 4))
        routing = {
            "policy": "weighted",
            "picker": rng.choice(["max", "weighted-random"]),
            "tie_break": "random",
            "filters": [],
            "scorers": [{"name": name, "weight": 1 + 2 * place} for place, name in enumerate(names)],
        }
        admission = rng.choice([{"policy": "always-admit"}, {"policy": "utilization-shed"}])
        bundle = load_bundle({"routing": routing, "admission": admission, "flow_control": {"enabled": False}})
        mapping = export_epp(bundle, DIALECTS[GIE], Notes())
        assert load_bundle(import_epp(Document("epp.yaml", mapping, {}), Notes())) == bundle


@pytest.mark.parametrize("name", ["llm-d-default", "sticky-until-saturated"])
def test_what_comes_back_routes_every_request_alike(name):
    mapping = load_mapping(CONF / "policy" / f"{name}.yaml")
    for scorer in mapping["routing"]["scorers"]:
        scorer["weight"] *= 0.37
    bundle = load_bundle(mapping)
    back = load_bundle(import_epp(Document("x", export_epp(bundle, DIALECTS[ROUTER], Notes()), {}), Notes()))
    scenario = blis.load_scenario(CONF / "cluster" / "h100x4.yaml")
    requests = blis.generate(load_mapping(CONF / "workload" / "chat_prefix.yaml") | {"num_requests": 300}, seed=1)
    first, second = (blis.simulate(scenario, requests, policy=policy).to_frame() for policy in (bundle, back))
    assert first.instance.nunique() > 1
    assert first.equals(second)


@pytest.mark.parametrize("name", ["llm-d-default", "sticky-until-saturated", "least-request", "prefix2-queue1-kv1"])
def test_shipped_policies_of_llm_d_pass_the_strict_reader(name):
    text = yaml_text(export_epp(load_bundle(CONF / "policy" / f"{name}.yaml"), DIALECTS[ROUTER], Notes()))
    assert read_config(parse_document(text, "epp.yaml")).steps


def test_what_stands_elsewhere_is_said():
    bundle = load_bundle(
        {
            "routing": {"policy": "random"},
            "admission": {"policy": "utilization-shed"},
            "slo_tiers": {"gold": {"priority": 7}},
            "engine": {"max_running": 64},
            "retries": {"limit": 2},
            "breaker": {"failures": 5},
            "hedging": {"after_us": 5},
        }
    )
    notes = Notes()
    export_epp(bundle, DIALECTS[ROUTER], notes)
    assert notes == [
        "slo_tiers.gold.priority 7: an InferenceObjective gives it, not this file",
        "retries: those of the proxy before the router, not in this file",
        "breaker: the outlier detection of the proxy before the router, not in this file",
        "hedging: the hedge policy of the proxy before the router, not in this file",
        "engine, scheduler, preemption: arguments of the engine (--target vllm), not in this file",
    ]
