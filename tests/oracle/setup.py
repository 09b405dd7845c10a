"""What the oracle simulates: a flat copy of a scenario, which vectors and laws can also write by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from blis.config import (
    Autoscaling,
    Breaker,
    Clients,
    Disaggregation,
    Failures,
    FlowControl,
    Hardware,
    Hedging,
    KVTransfer,
    Lora,
    ModelShape,
    Profile,
    Replica,
    Retries,
    Roofline,
    Routing,
    Scenario,
    SloTier,
    Startup,
    default_scorers,
    default_tier,
)
from blis.config import Engine as Switches

_DEFAULT_SCORERS = tuple((scorer.name, scorer.weight) for scorer in default_scorers())

ORIGINAL = Switches()


@dataclass(frozen=True)
class Machine:
    """What instances of one cluster may differ in: step times, KV cache, limits of a batch, labels."""

    alpha: tuple[float, float, float]
    beta: tuple[float, ...] = ()  # of blackbox
    linear: Mapping[str, float] | None = field(default=None, hash=False)
    roofline: Roofline | None = None
    tp: int = 1  # GPUs that share a model; only a roofline looks at it
    kv_blocks: int = 1_000_000
    block_size_tokens: int = 16  # the same on all machines of a cluster
    cpu_blocks: int = 0  # > 0: a second KV tier
    transfer_bandwidth: float = 100.0  # blocks a µs
    transfer_base_latency_us: int = 0
    max_running: int = 256
    max_scheduled_tokens: int = 2048
    long_prefill_threshold: int = 0
    drafts: int = 0  # tokens guessed a step for each who decodes
    accepts: tuple[float, ...] = ()  # the chance of the first, the second, …
    draft_us: int = 0
    engine: Switches = ORIGINAL
    lora: Lora = field(default_factory=Lora)
    labels: Mapping[str, Any] = field(default_factory=dict, hash=False)
    role: str = "both"
    roofline_kind: str = "roofline-original"


@dataclass(frozen=True)
class Setup(Machine):
    """One deployment. Parameters are those that were given; their defaults are written where they are used.

    A setup is itself the machine of all its instances, unless `machines` lists one for each.
    """

    machines: tuple[Machine, ...] = ()
    slo_tiers: Mapping[str, SloTier] = field(default_factory=dict, hash=False)
    scheduler: str = "fcfs"
    scheduler_parameters: Mapping[str, float] = field(default_factory=dict, hash=False)
    priority: str = "constant"
    priority_parameters: Mapping[str, float] = field(default_factory=dict, hash=False)
    preemption: str = "tail"
    instances: int = 1  # places for instances
    at_start: int | None = None  # that serve when the run begins; None: all
    autoscaling: Autoscaling = field(default_factory=Autoscaling)
    admission: str = "always-admit"
    admission_latency_us: int = 0
    admission_parameters: Mapping[str, float] = field(default_factory=dict, hash=False)
    flow_control: FlowControl = field(default_factory=FlowControl)
    routing: str = "round-robin"
    routing_latency_us: int = 0
    routing_parameters: Mapping[str, float] = field(default_factory=dict, hash=False)
    filters: tuple[tuple[str, Mapping[str, float]], ...] = field(default=(), hash=False)  # name, parameters
    scorers: tuple[tuple[str, float], ...] = _DEFAULT_SCORERS  # name, weight
    scorer_parameters: Mapping[str, Mapping[str, float]] = field(default_factory=dict, hash=False)  # by scorer
    picker: str = "max"
    tie_break: str = "random"
    prefix_index_blocks: int = 10_000
    prefix_index_block_tokens: int = 0  # 0 = KV blocks
    prefix_index_max_tokens: int = 0  # 0 = whole prompts
    snapshot_refresh_us: int = 0
    queue_age_us: int = 0
    batch_age_us: int = 0
    kv_age_us: int = 0
    cache_age_us: int = 0
    lora_age_us: int = 0
    failures: Failures = field(default_factory=Failures)
    startup: Startup = field(default_factory=Startup)
    retries: Retries = field(default_factory=Retries)
    breaker: Breaker = field(default_factory=Breaker)
    hedging: Hedging = field(default_factory=Hedging)
    clients: Clients = field(default_factory=Clients)
    disaggregation: Disaggregation = field(default_factory=Disaggregation)
    kv_transfer: KVTransfer = field(default_factory=KVTransfer)
    token_bytes: int = 0
    horizon_us: int | None = None

    @property
    def rows_a_request(self) -> int:
        """Attempts of a client, or the request and its copy."""
        return 2 if self.hedging.any else self.clients.attempts

    @property
    def served_at_start(self) -> int:
        """The instances that serve when the run begins."""
        return self.instances if self.at_start is None else self.at_start

    def machine(self, index: int) -> Machine:
        """Return what an instance is made of."""
        return self.machines[index] if self.machines else self

    @property
    def apart(self) -> bool:
        """Whether any instance has not both roles."""
        return any(machine.role != "both" for machine in self.machines)

    def for_prefills(self) -> Setup:
        """The same, with the choice of an instance for a prefill as its routing."""
        given = self.disaggregation.prefill
        if given is None:
            return self
        return replace(self, **_routing(given))

    def tier(self, slo_class: str) -> SloTier:
        """Return what a class name stands for; a request without a class is of class `default`."""
        name = slo_class or "default"
        return self.slo_tiers.get(name) or default_tier(name)

    @classmethod
    def from_scenario(cls, scenario: Scenario) -> Setup:
        """Copy a scenario of the product."""
        instance, cluster = scenario.instance, scenario.cluster
        admission, routing, signals = cluster.admission, cluster.routing, cluster.routing.signals
        machines = tuple(_machine(replica) for replica in scenario.replicas)
        return cls(
            **vars(machines[0]),
            machines=machines,
            slo_tiers=scenario.slo_tiers,
            scheduler=instance.scheduler,
            scheduler_parameters=instance.scheduler_parameters,
            priority=instance.priority,
            priority_parameters=instance.priority_parameters,
            preemption=instance.preemption,
            instances=cluster.places,
            at_start=cluster.at_start if cluster.autoscaling.any else None,
            autoscaling=cluster.autoscaling,
            admission=admission.policy,
            admission_latency_us=admission.latency_us,
            admission_parameters=admission.parameters,
            flow_control=cluster.flow_control,
            routing_latency_us=routing.latency_us,
            **_routing(routing),
            prefix_index_blocks=routing.prefix_index_blocks,
            prefix_index_block_tokens=routing.prefix_index_block_tokens,
            prefix_index_max_tokens=routing.prefix_index_max_tokens,
            snapshot_refresh_us=routing.snapshot_refresh_us,
            queue_age_us=signals.queue_depth.age_us,
            batch_age_us=signals.batch_size.age_us,
            kv_age_us=signals.kv.age_us,
            cache_age_us=signals.cache.age_us,
            lora_age_us=signals.lora.age_us,
            failures=cluster.failures,
            startup=cluster.startup,
            retries=cluster.retries,
            breaker=cluster.breaker,
            hedging=cluster.hedging,
            clients=scenario.clients,
            disaggregation=cluster.disaggregation,
            kv_transfer=cluster.kv_transfer,
            token_bytes=scenario.token_bytes,
            horizon_us=scenario.horizon_us,
        )

    @classmethod
    def from_case_yaml(cls, case: Mapping[str, Any]) -> Setup:
        """Read the `config.yaml` of a recorded case."""
        instance, cluster = case["instance"], case["cluster"]
        model, kv, batch = instance["latency_model"], instance["kv"], instance["batch"]
        admission, routing = cluster["admission"], cluster["routing"]
        scorers = tuple((scorer["name"], float(scorer["weight"])) for scorer in routing.get("scorers") or ())
        return cls(
            alpha=tuple(model["alpha"]),
            beta=tuple(model["beta"]),
            roofline=_roofline(model["roofline"]) if model["kind"] == "roofline" else None,
            roofline_kind=model["kind"],
            tp=model["tp"],
            kv_blocks=kv["blocks"],
            block_size_tokens=kv["block_size_tokens"],
            cpu_blocks=kv["cpu_blocks"],
            transfer_bandwidth=kv["transfer_bandwidth"],
            transfer_base_latency_us=kv["transfer_base_latency_us"],
            max_running=batch["max_running"],
            max_scheduled_tokens=batch["max_scheduled_tokens"],
            long_prefill_threshold=batch["long_prefill_threshold"],
            scheduler=instance["scheduler"],
            priority=instance["priority"],
            instances=cluster["instances"],
            admission=admission["policy"],
            admission_latency_us=admission["latency_us"],
            admission_parameters=admission.get("token_bucket", {}),
            routing=routing["policy"],
            routing_latency_us=routing["latency_us"],
            scorers=scorers or _DEFAULT_SCORERS,
            snapshot_refresh_us=routing["snapshot_refresh_us"],
            horizon_us=case["horizon_us"],
        )


def _routing(given: Routing | Profile) -> dict[str, Any]:
    """The fields of a setup that say how an instance is chosen."""
    return {
        "routing": given.policy,
        "routing_parameters": given.parameters,
        "filters": tuple((each.name, each.parameters) for each in given.filters),
        "scorers": tuple((scorer.name, scorer.weight) for scorer in given.scorers),
        "scorer_parameters": {scorer.name: scorer.parameters for scorer in given.scorers if scorer.parameters},
        "picker": given.picker,
        "tie_break": given.tie_break,
    }


def _machine(replica: Replica) -> Machine:
    instance = replica.instance
    model, kv, batch = instance.latency_model, instance.kv, instance.batch
    drafts, drafter = batch.speculative_tokens, instance.drafter
    return Machine(
        alpha=model.alpha,
        beta=model.beta,
        linear=model.parameters if model.kind == "linear" else None,
        roofline=model.roofline,
        tp=max(model.tp, 1),
        kv_blocks=kv.blocks,
        block_size_tokens=kv.block_size_tokens,
        cpu_blocks=kv.cpu_blocks,
        transfer_bandwidth=kv.transfer_bandwidth,
        transfer_base_latency_us=kv.transfer_base_latency_us,
        max_running=min(batch.max_running, batch.max_scheduled_tokens // (1 + drafts)) if drafts else batch.max_running,
        max_scheduled_tokens=batch.max_scheduled_tokens,
        long_prefill_threshold=batch.long_prefill_threshold,
        drafts=drafts,
        accepts=drafter.accepted_per_position or tuple(drafter.acceptance**k for k in range(1, drafts + 1)),
        draft_us=drafter.draft_us,
        engine=instance.engine,
        lora=instance.lora,
        labels=replica.labels,
        role=replica.role,
        roofline_kind=model.kind,
    )


def _roofline(part: Mapping[str, Any]) -> Roofline:
    return Roofline(ModelShape(**part["model"]), Hardware(**part["hardware"]))
