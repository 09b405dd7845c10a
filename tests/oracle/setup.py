"""What the oracle simulates: a flat copy of a scenario that knows a few more policies than the product."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from blis.config import DEFAULT_SCORERS, Scenario
from blis.errors import InputError

_DEFAULT_SCORERS = tuple((scorer.name, scorer.weight) for scorer in DEFAULT_SCORERS)


@dataclass(frozen=True)
class Setup:
    """One deployment. Names as in `blis.config`, plus those that only recorded cases use."""

    alpha: tuple[float, float, float]
    beta: tuple[float, float, float]
    kv_blocks: int = 1_000_000
    block_size_tokens: int = 16
    max_running: int = 256
    max_scheduled_tokens: int = 2048
    long_prefill_threshold: int = 0
    scheduler: str = "fcfs"  # or sjf, priority-fcfs, reverse-priority
    priority: str = "constant"  # or slo-based, inverted-slo
    instances: int = 1
    admission: str = "always-admit"
    admission_latency_us: int = 0
    bucket_capacity_tokens: float = 10_000.0
    bucket_refill_tokens_per_s: float = 1_000.0
    routing: str = "round-robin"  # also prefix-affinity and always-busiest
    routing_latency_us: int = 0
    scorers: tuple[tuple[str, float], ...] = _DEFAULT_SCORERS
    tie_break: str = "first"
    prefix_index_blocks: int = 10_000
    snapshot_refresh_us: int = 0
    queue_age_us: int = 0
    batch_age_us: int = 0
    kv_age_us: int = 0
    horizon_us: int | None = None
    ids_as_strings: bool = False  # original: equal schedulers' keys are decided by the id as a string, else by row
    affinity_last_block: bool = False  # original: routing prefix-affinity matches whole prompts only, else the longest

    @classmethod
    def from_scenario(cls, scenario: Scenario) -> Setup:
        """Copy a scenario of the product."""
        instance, cluster = scenario.instance, scenario.cluster
        routing, signals = cluster.routing, cluster.routing.signals
        return cls(
            alpha=instance.latency_model.alpha,
            beta=instance.latency_model.beta,
            kv_blocks=instance.kv.blocks,
            block_size_tokens=instance.kv.block_size_tokens,
            max_running=instance.batch.max_running,
            max_scheduled_tokens=instance.batch.max_scheduled_tokens,
            long_prefill_threshold=instance.batch.long_prefill_threshold,
            scheduler=instance.scheduler,
            priority=instance.priority,
            instances=cluster.instances,
            admission=cluster.admission.policy,
            admission_latency_us=cluster.admission.latency_us,
            bucket_capacity_tokens=cluster.admission.token_bucket.capacity_tokens,
            bucket_refill_tokens_per_s=cluster.admission.token_bucket.refill_tokens_per_s,
            routing=routing.policy,
            routing_latency_us=routing.latency_us,
            scorers=tuple((scorer.name, scorer.weight) for scorer in routing.scorers),
            tie_break=routing.tie_break,
            prefix_index_blocks=routing.prefix_index_blocks,
            snapshot_refresh_us=routing.snapshot_refresh_us,
            queue_age_us=signals.queue_depth.age_us,
            batch_age_us=signals.batch_size.age_us,
            kv_age_us=signals.kv.age_us,
            horizon_us=scenario.horizon_us,
        )

    @classmethod
    def from_case_yaml(cls, case: Mapping[str, Any]) -> Setup:
        """Read the `config.yaml` of a recorded case, with the original's rules for ids and prefix-affinity."""
        instance, cluster = case["instance"], case["cluster"]
        model, kv, batch = instance["latency_model"], instance["kv"], instance["batch"]
        admission, routing = cluster["admission"], cluster["routing"]
        if model["kind"] != "blackbox" or kv["cpu_blocks"]:
            raise InputError(f"the oracle knows neither roofline nor a second KV tier (case {case['name']})")
        bucket = admission.get("token_bucket", {})
        scorers = tuple((scorer["name"], float(scorer["weight"])) for scorer in routing.get("scorers") or ())
        return cls(
            alpha=tuple(model["alpha"]),
            beta=tuple(model["beta"]),
            kv_blocks=kv["blocks"],
            block_size_tokens=kv["block_size_tokens"],
            max_running=batch["max_running"],
            max_scheduled_tokens=batch["max_scheduled_tokens"],
            long_prefill_threshold=batch["long_prefill_threshold"],
            scheduler=instance["scheduler"],
            priority=instance["priority"],
            instances=cluster["instances"],
            admission=admission["policy"],
            admission_latency_us=admission["latency_us"],
            bucket_capacity_tokens=bucket.get("capacity_tokens", 10_000.0),
            bucket_refill_tokens_per_s=bucket.get("refill_tokens_per_s", 1_000.0),
            routing=routing["policy"],
            routing_latency_us=routing["latency_us"],
            scorers=scorers or _DEFAULT_SCORERS,
            snapshot_refresh_us=routing["snapshot_refresh_us"],
            horizon_us=case["horizon_us"],
            ids_as_strings=True,
            affinity_last_block=True,
        )
