"""The whole deployment."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from blis.config.clients import Clients
from blis.config.cluster import Cluster
from blis.config.disaggregation import ROLES
from blis.config.engine import OF_DEPLOYMENT, Engine
from blis.config.instance import KV, Batch, Instance, LatencyModel
from blis.config.limits import MAX_TIME_US
from blis.config.lora import Lora
from blis.config.slo_tiers import SloTier, default_tier
from blis.errors import InputError, check_choice, check_integer
from blis.latency.sizes import kv_bytes


@dataclass(frozen=True)
class Pool:
    """Some equal instances of a cluster whose instances differ; what is left out is as `instance` has it."""

    count: int = 1
    labels: dict[str, Any] = field(default_factory=dict, hash=False)  # a text or a list of texts each
    latency_model: LatencyModel | None = None
    kv: KV | None = None
    batch: Batch | None = None
    engine: Engine | None = None
    lora: Lora | None = None
    role: str = "both"

    def __post_init__(self) -> None:
        """Check the count, the labels and the role."""
        check_integer("pools[].count", self.count, 1, 100_000)
        check_choice("pools[].role", self.role, ROLES)
        for name, value in self.labels.items():
            texts = value if isinstance(value, list | tuple) else [value]
            if not texts or not all(isinstance(text, str) and text for text in texts):
                raise InputError(f"pools[].labels.{name} must be a text or a list of texts, got {value!r}")


@dataclass(frozen=True)
class Replica:
    """One instance of a cluster, everything resolved."""

    instance: Instance
    labels: dict[str, Any] = field(hash=False)
    role: str = "both"


@dataclass(frozen=True)
class Scenario:
    """A whole deployment, all names resolved: with a RequestTable it is a simulation."""

    instance: Instance
    cluster: Cluster = field(default_factory=Cluster)
    pools: tuple[Pool, ...] = ()
    slo_tiers: dict[str, SloTier] = field(default_factory=dict, hash=False)
    horizon_us: int | None = None  # events later than this are not executed; None = run to the end
    seed: int = 0
    name: str = ""
    description: str = ""
    pathological: bool = False
    clients: Clients = field(default_factory=Clients)

    def __post_init__(self) -> None:
        """Check the seed, the horizon and that pools and cluster agree."""
        check_integer("seed", self.seed, 0)
        if self.horizon_us is not None:
            check_integer("horizon_us", self.horizon_us, 1, MAX_TIME_US)
        self._check_roles()
        self._check_clients()
        if not self.pools:
            return
        if self.cluster.autoscaling.any:
            raise InputError("cluster.autoscaling and pools exclude each other: instances that come are all alike")
        count = sum(pool.count for pool in self.pools)
        if count != self.cluster.instances:
            raise InputError(f"cluster.instances is {self.cluster.instances}, but the pools have {count}")
        sizes = {replica.instance.kv.block_size_tokens for replica in self.replicas}
        if len(sizes) > 1:
            raise InputError(f"kv.block_size_tokens must be one for all pools, got {sorted(sizes)}")
        for name in OF_DEPLOYMENT:
            limits = {getattr(replica.instance.engine, name) for replica in self.replicas}
            if len(limits) > 1:
                raise InputError(f"engine.{name} must be one for all pools, got {sorted(limits)}")

    def _check_roles(self) -> None:
        """Raise InputError where nobody may decode, or prefills go apart and something else does not know of it."""
        roles = {pool.role for pool in self.pools}
        if self.cluster.disaggregation.prefill_instances and roles - {"both"}:
            raise InputError("give disaggregation.prefill_instances or the role of each pool, not both")
        if roles == {"prefill"}:
            raise InputError("pools[].role: no pool is left to decode; one must be 'decode' or 'both'")
        if not self.apart:
            return
        if not self.token_bytes:
            raise InputError(
                "cluster.kv_transfer.bytes_per_token must be given: a roofline alone knows it of its model"
            )
        if self.cluster.failures.any:
            raise InputError("cluster.failures: with prefill and decode apart instances do not fail; leave one out")
        if self.cluster.autoscaling.any:
            raise InputError("autoscaling: with prefill and decode apart the instances stay; leave one of the two out")
        if self.cluster.hedging.any:
            raise InputError("hedging: with prefill and decode apart a copy would need both; leave one of the two out")
        if self.clients.any:
            raise InputError("clients: with prefill and decode apart they wait for ever; leave one of the two out")
        if any(replica.instance.lora.any for replica in self.replicas):
            raise InputError("lora: with prefill and decode apart all requests are for the base model; leave one out")
        prefill = self.cluster.disaggregation.prefill
        if prefill and {prefill.policy, self.cluster.routing.policy} == {"prefix-affinity", "prefix-affinity-exact"}:
            raise InputError("disaggregation.prefill.policy: homes are exact or not in both kinds of routing; give one")
        if any(replica.instance.kv.cpu_blocks for replica in self.replicas):
            raise InputError("kv.cpu_blocks must be 0 with prefill and decode apart: KV moves from GPU to GPU")

    @property
    def apart(self) -> bool:
        """Whether some instances only compute prompts for others, or do not."""
        return self.cluster.disaggregation.prefill_instances > 0 or any(pool.role != "both" for pool in self.pools)

    @property
    def rows_a_request(self) -> int:
        """Rows that a request has in a run: one for each attempt of its client, or one for its copy."""
        return 2 if self.cluster.hedging.any else self.clients.attempts

    def _check_clients(self) -> None:
        """Nobody gives up who has not been decided on."""
        if self.cluster.hedging.any and self.clients.any:
            raise InputError("cluster.hedging: clients that give up or ask again are not hedged; leave one of them out")
        for name in ("first_token_timeout_us", "timeout_us"):
            least_us = self.cluster.admission.latency_us + 1
            if getattr(self.clients, name):
                check_integer(f"clients.{name}", getattr(self.clients, name), least_us, MAX_TIME_US)

    @cached_property
    def replicas(self) -> tuple[Replica, ...]:
        """The instances in the order of their numbers: pool after pool."""
        pools = self.pools or (Pool(self.cluster.places),)
        found = [replica for pool in pools for replica in (self._replica(pool),) * pool.count]
        first = self.cluster.disaggregation.prefill_instances
        if first:
            roles = {id(each): [replace(each, role=role) for role in ("prefill", "decode")] for each in found}
            found = [roles[id(each)][i >= first] for i, each in enumerate(found)]
        return tuple(found)

    @property
    def token_bytes(self) -> int:
        """Bytes of a token's KV on all GPUs of an instance: those given, or the model's; 0 if that is not known."""
        latency = self.instance.latency_model
        if self.cluster.kv_transfer.bytes_per_token:
            return self.cluster.kv_transfer.bytes_per_token
        if latency.roofline:
            return round(kv_bytes(latency.roofline.model, given=latency.roofline.kv_bytes_per_value))
        return 0

    @cached_property
    def cache(self) -> dict[Hashable, Any]:
        """The engine's own encodings of it, made once for all tables."""
        return {}

    def _replica(self, pool: Pool) -> Replica:
        given = {key: getattr(pool, key) for key in ("latency_model", "kv", "batch", "engine", "lora")}
        changes = {key: value for key, value in given.items() if value is not None}
        return Replica(replace(self.instance, **changes) if changes else self.instance, pool.labels, pool.role)

    def tier(self, slo_class: str) -> SloTier:
        """What a class name stands for; requests without a class are of class `default`."""
        name = slo_class or "default"
        return self.slo_tiers.get(name) or default_tier(name)
