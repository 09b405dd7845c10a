"""The scenario of a gateway: the control plane of a cluster whose instances are real servers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from blis.config import Breaker, Retries, Scenario, Signals
from blis.errors import InputError
from blis.observe.breaker import FAILURES, OPEN_US
from blis.policies.filters import FILTERS
from blis.policies.routing import ROUTING
from blis.policies.scorers import SCORERS
from blis.scenario import load_scenario

#: What becomes of servers that fail, and of their requests, where neither a scenario nor a bundle says anything of it.
AGAIN, BREAKER = Retries(limit=2, backoff_us=0), Breaker(FAILURES, OPEN_US)

#: What a scenario must say of instances; no gateway asks for it.
ANY = {
    "instance": {
        "latency_model": {"alpha": [0, 0, 0], "beta": [1, 0, 0], "allow_implausible": True},
        "kv": {"blocks": 10_000},
    }
}


def any_scenario() -> Scenario:
    """Where the operator gives none."""
    return load_scenario(with_unsaid(ANY))


def with_unsaid(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """A scenario's mapping with what a gateway does about servers that fail, if the scenario does not say it."""
    cluster = mapping.get("cluster") or {}
    if not isinstance(cluster, Mapping):
        return dict(mapping)  # refused when it is loaded
    return {**mapping, "cluster": {"retries": vars(AGAIN), "breaker": vars(BREAKER), **cluster}}


def before_servers(scenario: Scenario, count: int) -> Scenario:
    """The scenario with so many real servers: they take the time they take, and say what they say when they say it.

    Which of them fail is looked at before the control plane is asked.
    Raises InputError if the policy asks for what they do not say.
    """
    if scenario.pools:
        raise InputError("pools: instances of several kinds are not told apart before real servers; leave pools out")
    routing = scenario.cluster.routing
    _check_told("routing.policy", routing.policy, ROUTING[routing.policy].reads)
    scorers = routing.scorers if routing.policy == "weighted" else ()
    for scorer in scorers:
        _check_told("routing.scorers", scorer.name, SCORERS[scorer.name].reads)
    for one in routing.filters:
        _check_told("routing.filters", one.name, FILTERS[one.name].reads)
    cluster = replace(
        scenario.cluster,
        instances=count,
        breaker=Breaker(),
        admission=replace(scenario.cluster.admission, latency_us=0),
        routing=replace(routing, latency_us=0, snapshot_refresh_us=0, signals=Signals()),
    )
    return replace(scenario, cluster=cluster, horizon_us=None)


def _check_told(where: str, name: str, reads: frozenset[str]) -> None:
    """Raise InputError if a part of the policy reads what no server tells."""
    if "cache" in reads:
        raise InputError(
            f"{where}: {name!r} reads what is in the servers' caches, which they do not say; the nearest is"
            " 'prefix-affinity', by the router's own index"
        )
    if "lora" in reads:
        raise InputError(
            f"{where}: {name!r} reads whose LoRA adapters run where, which this gateway does not ask servers"
        )
    if "labels" in reads:
        raise InputError(f"{where}: {name!r} reads labels of instances, which are not given before real servers")
