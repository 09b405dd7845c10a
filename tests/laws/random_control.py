"""Random control planes that hurt: every filter, template, scorer, picker, admission policy and gateway setting.

Thresholds are so low that a dozen requests reach them, ages and intervals so short that grids and events meet.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import numpy as np

from blis.config import (
    BANDS,
    DECIDERS,
    DETECTORS,
    FAIRNESS,
    ORDERINGS,
    Admission,
    Autoscaling,
    Breaker,
    Clients,
    Cluster,
    Disaggregation,
    Failures,
    Filter,
    FlowControl,
    Hedging,
    KVTransfer,
    Outage,
    PriorityBand,
    Profile,
    Retries,
    Routing,
    Scorer,
    Signal,
    Signals,
    SloTier,
    Startup,
)
from blis.tables.placement import Placement
from blis.tables.requests import RequestTable
from tests.oracle.known import ADMISSION_POLICIES, ROUTING_POLICIES, SCORER_NAMES

_GPUS = ("H100", "A100")
_LORAS = ("x", "y", "z")
_CLASSES = ("critical", "standard", "batch", "sheddable", "background", "", "gold", "bronze")
_SHED = ("tier-shed", "utilization-shed", "concurrency-shed", "probabilistic", "tenant-budget")


def random_cluster(rng: Random, instances: int) -> Cluster:
    """A control plane; every part is plain about half of the time, so that each also meets the others alone."""
    flow_control = _flow_control(rng) if rng.random() < 0.35 else FlowControl()
    return Cluster(
        instances=instances,
        admission=_admission(rng),
        flow_control=flow_control,
        routing=_routing(rng, latency_us=0 if flow_control.enabled else rng.choice([0, 0, 3])),
    )


def random_labels(rng: Random) -> dict[str, Any]:
    """What an instance carries: one text or several under a name."""
    labels: dict[str, Any] = {}
    if rng.random() < 0.8:
        labels["gpu"] = rng.choice(_GPUS)
    if rng.random() < 0.6:
        labels["lora"] = rng.choice([rng.choice(_LORAS), rng.sample(_LORAS, 2), tuple(_LORAS)])
    return labels


def random_tiers(rng: Random) -> dict[str, SloTier]:
    """Declared classes: fractions, equal priorities, tight and loose targets."""
    return {
        name or "default": SloTier(
            priority=rng.choice([-2.0, -0.5, 0.0, 1.0, 3.0, 4.0]),
            weight=rng.choice([0.0, 0.5, 1.0, 2.0]),
            ttft_ms=rng.choice([0.02, 0.25, 1.0, 50.0]),
        )
        for name in rng.sample(_CLASSES, rng.choice([0, 0, 2, 4]))
    }


def dressed(rng: Random, table: RequestTable) -> RequestTable:
    """The table with classes, tenants, sessions, placements and numbers of its own."""
    n = len(table)
    names = tuple(rng.sample(_CLASSES, rng.choice([1, 1, 2, 3, 5])))  # often one band, so that tenants meet in it
    tenants, sessions = rng.choice([1, 2, 3, 4]), rng.randint(1, 4)
    placements = (Placement(), *(_placement(rng) for _ in range(rng.choice([0, 1, 3]))))
    return replace(
        table,
        slo_class=np.array([rng.randrange(len(names)) for _ in range(n)], np.int16),
        tenant=np.array([rng.randrange(tenants) for _ in range(n)], np.int32),
        session=np.array([rng.randrange(-1, sessions) for _ in range(n)], np.int32),
        uniform=np.array([rng.random() for _ in range(n)]),
        slo_names=names,
        tenant_names=tuple(f"tenant_{number}" for number in range(tenants)),
        session_names=tuple(f"session_{number}" for number in range(sessions)),
        placement=rng.choice([None, np.array([rng.randrange(len(placements)) for _ in range(n)], np.int16)]),
        placements=placements,
        cache={},
    )


def _placement(rng: Random) -> Placement:
    def some(chance: float) -> dict[str, str]:
        wanted = {"gpu": rng.choice(_GPUS), "lora": rng.choice(_LORAS)}
        return {name: value for name, value in wanted.items() if rng.random() < chance}

    return Placement(requires=some(0.25), prefers=some(0.7), avoids=some(0.15))


def _admission(rng: Random) -> Admission:
    policy = rng.choice(["always-admit"] * len(ADMISSION_POLICIES) + [*ADMISSION_POLICIES])
    latency_us = rng.choice([0, 0, 5])
    given: dict[str, float] = {}
    if policy in _SHED:
        given["min_priority"] = rng.choice([0, 0, -1.5, 1, 4])
    if policy in ("utilization-shed", "probabilistic", "tenant-budget"):
        given |= {"queue_threshold": rng.choice([0.3, 1, 2]), "kv_threshold": rng.choice([0.05, 0.3, 0.8])}
    if policy.endswith("token-bucket"):
        given = {
            "capacity_tokens": rng.choice([5.0, 40.0, 200.0]),
            "refill_tokens_per_s": rng.choice([0.0, 1e4, 1e5, 1e6]),
        }
    elif policy == "queue-depth":
        given = {"max_queued": rng.choice([1, 2, 3.5, 8]), "max_tenant_in_flight": rng.choice([1, 2, 3, 1e6])}
    elif policy == "tier-shed":
        given["max_load"] = rng.choice([1, 2, 3, 6])
    elif policy == "concurrency-shed":
        given["max_concurrency"] = rng.choice([1, 1.7, 3])
    elif policy == "probabilistic":
        given |= {"power": rng.choice([0, 0.5, 2, 5]), "k": rng.choice([0, 0.3, 1, 300])}
    elif policy == "tenant-budget":
        given["share"] = rng.choice([0.1, 0.25, 0.5, 1])
    return Admission(policy, latency_us, given)


def _flow_control(rng: Random) -> FlowControl:
    return FlowControl(
        enabled=True,
        detector=rng.choice(["concurrency", "utilization", *DETECTORS]),
        max_concurrency=rng.choice([0.1, 1, 1.5, 3]),
        queue_threshold=rng.choice([0.1, 1, 2]),
        kv_threshold=rng.choice([0.05, 0.3, 1]),
        ordering=rng.choice(ORDERINGS),
        fairness=rng.choice(["round-robin", *FAIRNESS]),
        bands=rng.choice(BANDS),
        priority_bands=_priority_bands(rng),
        max_requests_per_band=rng.choice([1, 5, 5000, 5000, 5000]),
        ttl_us=rng.choice([0, 0, 0, 7, 400]),
        interval_us=rng.choice([1, 5, 50, 200, 1000]),
    )


def _priority_bands(rng: Random) -> tuple[PriorityBand, ...]:
    """Limits and weights of a few of the priorities that classes have."""
    return tuple(
        PriorityBand(priority, rng.choice([1, 1, 2, 3]), rng.choice([None, 0, 5, 90]), rng.choice([None, None, 1, 3]))
        for priority in rng.sample([-2.0, -1.0, 0.0, 1.0, 3.0, 4.0], rng.choice([0, 0, 2, 5]))
    )


def _routing(rng: Random, latency_us: int) -> Routing:
    policy = rng.choice(["weighted"] * 6 + [*ROUTING_POLICIES])
    names = rng.sample(SCORER_NAMES, rng.choice([1, 2, 3, len(SCORER_NAMES)]))
    signals = _signals(rng)
    return Routing(
        policy=policy,
        latency_us=latency_us,
        snapshot_refresh_us=rng.choice([0, 0, 40]) if signals.kv.age_us == 0 else 0,
        filters=_filters(rng),
        scorers=tuple(Scorer(name, rng.choice([1.0, 2.0, 0.3, 5.0]), _scorer_parameters(rng, name)) for name in names),
        parameters={"spill_load": rng.choice([1, 2, 4])} if policy == "session-affinity" else {},
        picker=rng.choice(["max", "weighted-random"]) if policy == "weighted" else "max",
        tie_break=rng.choice(["first", "random"]),
        signals=signals,
        prefix_index_blocks=rng.choice([1, 2, 5, 20, 10_000]),
        prefix_index_block_tokens=rng.choice([0, 0, 1, 2, 5, 12]),
        prefix_index_max_tokens=rng.choice([0, 0, 0, 1, 9, 25]),
    )


def _scorer_parameters(rng: Random, name: str) -> dict[str, float]:
    """Thresholds that a handful of requests reach; half of the time those that are declared."""
    few: dict[str, dict[str, float]] = {
        "active-requests": {"idle_threshold": rng.choice([0, 1, 2, 2.5]), "max_busy_score": rng.choice([0, 0.3, 1])},
        "load-aware": {"threshold": rng.choice([1, 2, 3.5])},
        "token-load": {"queue_threshold_tokens": rng.choice([5, 20, 100])},
    }
    return few.get(name, {}) if rng.random() < 0.5 else {}


def _signals(rng: Random) -> Signals:
    kind = rng.random()
    if kind < 0.4:
        return Signals()
    if kind < 0.6:
        return Signals(*[Signal(30)] * 4)
    ages = [rng.choice([0, 1, 7, 13, 50, 100, 1000]) for _ in range(4)]
    return Signals(*(Signal(age_us) for age_us in ages))


def _filters(rng: Random) -> tuple[Filter, ...]:
    sticky = Filter(
        "prefix-affinity",
        {
            "threshold": rng.choice([0, 0.3, 0.5, 0.8, 1]),
            "max_queueing_penalty_ms": rng.choice([0, 1, 5, 14_000]),
            "prefill_tokens_per_s": rng.choice([1000, 20_480]),
        },
    )
    short = Filter("load", {"max_waiting": rng.choice([0, 1, 2, 128])})
    return rng.choice([(), (), (), (sticky,), (short,), (sticky, short), (short, sticky)])


def random_failures(rng: Random, instances: int, last_us: int) -> Failures:
    """Outages at instants that requests meet, some of several instances, some again before they are over."""

    def outage() -> Outage:
        gone = tuple(rng.sample(range(instances), rng.randint(1, min(instances, 2))))
        drain_us = rng.choice([None, None, None, 0, 5, 200])
        return Outage(gone, rng.randint(0, last_us), rng.choice([1, 7, 50, 400, 3000]), drain_us)

    every_us = rng.choice([0, 0, 1, 7, 50, 300])
    return Failures(
        scheduled=tuple(outage() for _ in range(rng.choice([0, 1, 1, 2, 4]))),
        mtbf_us=rng.choice([0, 0, 40, 700]),
        mttr_us=rng.choice([0, 5, 300]),
        heartbeat_us=every_us,
        offline_after_us=every_us + rng.choice([0, 0, 5, 60, 900]),
    )


def random_startup(rng: Random) -> Startup:
    """At once, or slowly."""
    return Startup(
        load_us=rng.choice([0, 0, 1, 200]),
        warm_up_us=rng.choice([0, 0, 30, 2000]),
        warm_up_factor=rng.choice([1.0, 1.5, 3.3]),
    )


def random_autoscaling(rng: Random, gateway: bool) -> Autoscaling:
    """Targets that a handful of requests reach, looks so often that events meet them, limits that bind."""
    minimum = rng.choice([0, 1, 1, 2] if gateway else [1, 1, 2])
    sync_us = rng.choice([20, 50, 50, 300])
    targets: dict[str, float] = {
        "queue_depth": rng.choice([0.5, 1, 2]),
        "kv_utilization": rng.choice([0.05, 0.3, 0.8]),
        "busy_utilization": rng.choice([0.2, 0.6]),
        "concurrency": rng.choice([0.7, 1, 3]),
        "requests_per_s": rng.choice([1_000.0, 20_000.0]),
    }
    return Autoscaling(
        minimum=minimum,
        maximum=max(minimum, rng.choice([1, 2, 3, 5])),
        **{name: targets[name] for name in rng.sample([*targets], rng.choice([1, 1, 2, 5]))},
        tolerance=rng.choice([0.0, 0.1, 0.5]),
        sync_us=sync_us,
        up_window_us=rng.choice([0, 0, 1, 3]) * sync_us,
        up_instances=rng.choice([0, 1, 4]),
        up_percent=rng.choice([0, 50.0, 100.0]),
        up_period_us=rng.choice([1, 2, 5]) * sync_us,
        down_window_us=rng.choice([0, 0, 1, 4]) * sync_us,
        down_instances=rng.choice([0, 1, 2]),
        down_percent=rng.choice([0, 50.0, 100.0, 100.0]),
        down_period_us=rng.choice([1, 2, 5]) * sync_us,
        drain_us=rng.choice([0, 10, 100, 5000]),
    )


def random_retries(rng: Random) -> Retries:
    """None, or a few that a small budget may forbid."""
    return Retries(
        limit=rng.choice([0, 0, 1, 2, 5]),
        budget=rng.choice([0.0, 0.2, 1.0]),
        saved=rng.choice([0.0, 1.0, 2.5, 100.0]),
        backoff_us=rng.choice([0, 1, 20, 150, 1000]),
    )


def random_breaker(rng: Random) -> Breaker:
    """None, or one that a few failures open, for hardly any time or for long."""
    return Breaker(failures=rng.choice([0, 1, 1, 2, 3, 5]), open_us=rng.choice([1, 7, 40, 300, 3000]))


def random_hedging(rng: Random) -> Hedging:
    """Copies of many requests, soon or late, as far as a small budget allows."""
    return Hedging(
        after_us=rng.choice([1, 7, 30, 120, 120, 400, 2000]),
        budget=rng.choice([0.0, 0.2, 1.0, 1.0]),
        saved=rng.choice([0.5, 1.0, 2.5, 100.0]),
    )


def random_roles(rng: Random, pools: int) -> list[str]:
    """A role for each pool."""
    return [rng.choice(["both", "prefill", "prefill", "decode", "decode"]) for _ in range(pools)]


def random_disaggregation(rng: Random, prefill_instances: int) -> Disaggregation:
    """Prompts that go elsewhere, most of them, to an instance chosen as all are or otherwise."""
    routing = _routing(rng, 0)
    names = ("policy", "filters", "scorers", "parameters", "picker", "tie_break")
    return Disaggregation(
        decider=rng.choice(["always", "always", *DECIDERS]),
        uncached_tokens=rng.choice([1, 4, 16, 40]),
        prefill_instances=prefill_instances,
        prefill=rng.choice([None, Profile(**{name: getattr(routing, name) for name in names})]),
    )


def random_transfer(rng: Random) -> KVTransfer:
    """Links that are slow or not, and KV that is given up soon or never."""
    return KVTransfer(
        bytes_per_token=rng.choice([1, 3, 100]),
        bandwidth_gb_s=rng.choice([0.001, 0.007, 1.0]),
        latency_us=rng.choice([0, 0, 1, 20, 300]),
        hold_us=rng.choice([1, 60, 1000, 480_000_000]),
    )


def random_clients(rng: Random, latency_us: int) -> Clients:
    """Clients that give up, ask again, or both; most of them before a dozen requests are done."""

    def timeout_us() -> int:
        return latency_us + rng.choice([1, 7, 30, 120, 400, 2000])

    return Clients(
        first_token_timeout_us=rng.choice([0, timeout_us(), timeout_us()]),
        timeout_us=rng.choice([0, timeout_us(), timeout_us()]),
        attempts=rng.choice([1, 2, 3, 4]),
        backoff_us=rng.choice([1, 5, 40, 300]),
        jitter=rng.choice([0.0, 0.0, 0.5, 1.0]),
        budget=rng.choice([None, None, 0.0, 0.3, 1.0]),
        saved=rng.choice([0.0, 1.0, 2.5, 100.0]),
        cancel=rng.random() < 0.6,
    )
