"""Scenario files: YAML or a mapping in, a checked Scenario with all names resolved out, and back.

Layout: architecture.md section 5. A file may hold a `workload` mapping beside the scenario's own keys, as
the `scenario.yaml` of a search's run folder does; `split_workload` takes it off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from blis.config import (
    OF_DEPLOYMENT,
    PROFILES,
    Admission,
    Autoscaling,
    Batch,
    Breaker,
    Clients,
    Disaggregation,
    Drafter,
    Engine,
    Failures,
    Hedging,
    KVTransfer,
    Lora,
    Profile,
    Retries,
    Routing,
    Scenario,
    Signal,
    Startup,
    default_tier,
)
from blis.errors import check_choice
from blis.latency import LATENCY
from blis.latency.coefficients import file_of, with_coefficients
from blis.latency.ensemble import member_of
from blis.policies import legacy_bucket
from blis.policies.bundle import (
    BundleAdmission,
    BundleDisaggregation,
    BundleEngine,
    BundleRouting,
    PolicyBundle,
    given_fields,
)
from blis.yaml_strict import build, check_mapping, load_mapping, named_source, parse_yaml, plain

_Choice = TypeVar("_Choice", Routing, Profile)

_KEY_ORDER = (
    *("name", "description", "pathological", "seed", "horizon_us"),
    *("cluster", "instance", "pools", "slo_tiers", "clients"),
)
_MODEL = "instance.latency_model"
_DEPLOYMENT = ("kind", "model", "hf_config", "gpu", "tp")  # keys by which a latency model's numbers are looked up
_OWN = (
    "model",
    "hf_config",
    "coefficients",
    "alpha",
    "beta",
    "roofline",
    "parameters",
)  # any of these makes it stand alone


def load_scenario(source: str | Path | Mapping[str, Any]) -> Scenario:
    """A scenario from a YAML file or a mapping.

    Coefficients left out (or all zero) are looked up by the model's name, GPU and tp; the KV cache then has
    the table's size unless `kv.blocks` is given. What a pool leaves out is as `instance` has it, key by key, and
    `cluster.instances` follows from the pools. An engine is the name of a profile, or a mapping of switches that differ
    from `profile`. What a tier of `slo_tiers` leaves out follows from its class's
    name. A `workload` mapping is left aside.
    Raises InputError naming file, key, value and what would be right.
    """
    if isinstance(source, str | Path):
        with named_source(source):
            return load_scenario(load_mapping(source))
    mapping, _ = split_workload(source)
    mapping = _fill_tiers(_fill_pools(_read_engines(_with_servers_of_coefficients(mapping))))
    return build(Scenario, _read_bucket(_resolve_latency(mapping)))


def split_workload(source: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """A scenario file's mapping without its embedded workload specification, and that, if there is one."""
    mapping = check_mapping(source, "scenario")
    workload = mapping.pop("workload", None)
    return mapping, None if workload is None else check_mapping(workload, "workload")


def scenario_mapping(scenario: Scenario) -> dict[str, Any]:
    """The canonical mapping of a scenario: every value spelled out, keys in a fixed order; loads back equal."""
    mapping = {key: value for key, value in plain(scenario).items() if value not in ([], {})}
    for part in (mapping["instance"], *mapping.get("pools", ())):
        _drop_defaults(part.get("latency_model"), _RARE)
        _drop_defaults(part.get("batch"), _RARE_LIMITS)
    for key, default in _RARE_PARTS_OF_INSTANCE.items():
        if getattr(scenario.instance, key) == default:
            del mapping["instance"][key]
    if scenario.cluster.routing.signals.lora == Signal():
        del mapping["cluster"]["routing"]["signals"]["lora"]
    for key, part in _RARE_PARTS.items():  # files of others stay as they were
        if getattr(scenario.cluster, key) == part:
            del mapping["cluster"][key]
    for pool in mapping.get("pools", ()):
        if pool["role"] == "both":
            del pool["role"]
    if scenario.clients == Clients():
        del mapping["clients"]
    mapping["cluster"]["admission"] = legacy_bucket.scenario_file(scenario.cluster.admission)
    return {key: mapping[key] for key in _KEY_ORDER if key in mapping}


def member_scenario(scenario: Scenario, number: int) -> Scenario:
    """The scenario with one member of each latency model's ensemble, whatever the number; itself if none has one."""
    models = [scenario.instance.latency_model, *(pool.latency_model for pool in scenario.pools)]
    if not any(model and model.ensemble for model in models):
        return scenario
    instance = replace(scenario.instance, latency_model=member_of(scenario.instance.latency_model, number))
    pools = [
        pool if pool.latency_model is None else replace(pool, latency_model=member_of(pool.latency_model, number))
        for pool in scenario.pools
    ]
    return replace(scenario, instance=instance, pools=tuple(pools))


def _drop_defaults(part: dict[str, Any] | None, rare: Mapping[str, Any]) -> None:
    """Leave out of a part's mapping what few have: files of others stay as they were."""
    for key, value in rare.items():
        if part is not None and part.get(key, value) == value:
            part.pop(key, None)


#: Parts of a cluster that a file has only where they say something.
_RARE_PARTS = {
    "retries": Retries(),
    "breaker": Breaker(),
    "hedging": Hedging(),
    "failures": Failures(),
    "startup": Startup(),
    "autoscaling": Autoscaling(),
    "disaggregation": Disaggregation(),
    "kv_transfer": KVTransfer(),
}

#: The same of an instance.
_RARE_PARTS_OF_INSTANCE: dict[str, Any] = {"engine": Engine(), "drafter": Drafter(), "lora": Lora()}

#: Keys of a latency model that a file has only where they say something.
_RARE = {"factor": 1.0, "fitted": None, "ensemble": 0, "allow_implausible": False}

#: The same of a batch.
_RARE_LIMITS = {"speculative_tokens": 0}


def apply_bundle(scenario: Scenario, bundle: PolicyBundle) -> Scenario:
    """The scenario with everything that a policy bundle sets; what the bundle leaves out stays.

    A policy that the bundle names takes the bundle's parameters, or its defaults, never the scenario's. Engine
    knobs are set in every pool. Raises InputError if the two do not go together.
    """
    cluster, instance = scenario.cluster, scenario.instance
    scheduler, scheduler_parameters = _policy(
        bundle.scheduler, bundle.scheduler_parameters, instance.scheduler, instance.scheduler_parameters
    )
    priority, priority_parameters = _policy(
        bundle.priority.policy, bundle.priority.parameters, instance.priority, instance.priority_parameters
    )
    return replace(
        scenario,
        cluster=replace(
            cluster,
            admission=_admission(cluster.admission, bundle.admission),
            flow_control=replace(cluster.flow_control, **given_fields(bundle.flow_control)),
            routing=_routing(cluster.routing, bundle.routing),
            disaggregation=_disaggregation(cluster.disaggregation, bundle.disaggregation),
            retries=replace(cluster.retries, **given_fields(bundle.retries)),
            breaker=replace(cluster.breaker, **given_fields(bundle.breaker)),
            hedging=replace(cluster.hedging, **given_fields(bundle.hedging)),
            autoscaling=replace(cluster.autoscaling, **given_fields(bundle.autoscaling)),
        ),
        instance=replace(
            instance,
            batch=_batch(instance.batch, bundle.engine),
            scheduler=scheduler,
            scheduler_parameters=scheduler_parameters,
            priority=priority,
            priority_parameters=priority_parameters,
            preemption=bundle.preemption or instance.preemption,
        ),
        pools=tuple(
            replace(pool, batch=None if pool.batch is None else _batch(pool.batch, bundle.engine))
            for pool in scenario.pools
        ),
        slo_tiers=scenario.slo_tiers
        | {name: replace(scenario.tier(name), **given_fields(tier)) for name, tier in bundle.slo_tiers.items()},
    )


def _policy(
    name: str | None, parameters: dict[str, float] | None, present: str, present_parameters: dict[str, float]
) -> tuple[str, dict[str, float]]:
    """A bundle's policy with its parameters where it names one, the scenario's otherwise."""
    return (present, present_parameters) if name is None else (name, parameters or {})


def _admission(admission: Admission, given: BundleAdmission) -> Admission:
    """A number that the bundle leaves out of its bucket is that of the scenario's bucket, if it has one."""
    policy, parameters = _policy(given.policy, given.parameters, admission.policy, admission.parameters)
    if legacy_bucket.is_bucket(policy):
        present = admission.parameters if legacy_bucket.is_bucket(admission.policy) else {}
        parameters = {**present, **(given.parameters or {})}
    return replace(admission, policy=policy, parameters=parameters)


def _disaggregation(present: Disaggregation, given: BundleDisaggregation) -> Disaggregation:
    """A bundle that says how prefills are routed begins with what the scenario says of it, if that is anything."""
    changes = {name: value for name, value in given_fields(given).items() if name != "prefill"}
    if given.prefill is not None:
        changes["prefill"] = _routing(present.prefill or Profile(), given.prefill)
    return replace(present, **changes)


def _routing(routing: _Choice, given: BundleRouting) -> _Choice:
    """A picker that the bundle leaves out stays only with a policy that has it."""
    policy, parameters = _policy(given.policy, given.parameters, routing.policy, routing.parameters)
    return replace(
        routing,
        policy=policy,
        parameters=parameters,
        scorers=_either(given.scorers, routing.scorers),
        filters=_either(given.filters, routing.filters),
        picker=given.picker or (routing.picker if policy == "weighted" else "max"),
        tie_break=_either(given.tie_break, routing.tie_break),
    )


def _batch(batch: Batch, given: BundleEngine) -> Batch:
    return replace(batch, **given_fields(given))


def _either(given: Any, present: Any) -> Any:
    """A bundle's value where it is set (0 is a value), the scenario's otherwise."""
    return present if given is None else given


def _read_bucket(mapping: dict[str, Any]) -> dict[str, Any]:
    """A scenario file's mapping with the numbers of a token bucket as its policy's parameters."""
    cluster = check_mapping(mapping.get("cluster", {}), "cluster")
    if "admission" in cluster:
        cluster["admission"] = legacy_bucket.read_scenario(cluster["admission"])
    return {**mapping, "cluster": cluster}


def _with_servers_of_coefficients(mapping: dict[str, Any]) -> dict[str, Any]:
    """A scenario's mapping in which coefficients have the engine and the limits of the server they were fitted to.

    What the scenario itself says counts before that, key by key; what it says of the instance, in pools too.
    """
    instance = check_mapping(mapping.get("instance", {}), "instance")
    found = {**mapping, "instance": _with_own_server(instance, {}, "instance")}
    pools = mapping.get("pools")
    if isinstance(pools, list | tuple):
        found["pools"] = [
            _with_own_server(check_mapping(pool, f"pools[{i}]"), instance, f"pools[{i}]")
            for i, pool in enumerate(pools)
        ]
    return found


def _with_own_server(part: dict[str, Any], shared: dict[str, Any], path: str) -> dict[str, Any]:
    """An instance or a pool; shared: what it has of the instance where it says nothing itself."""
    latency = part.get("latency_model")
    file = None if latency is None else file_of(check_mapping(latency, f"{path}.latency_model"))
    if file is None:
        return part
    found = dict(part)
    if file.engine:
        engine = _switches(parse_yaml(file.engine, f"{path}.engine"), f"{path}.engine")
        for given, where in ((shared.get("engine"), "instance.engine"), (part.get("engine"), f"{path}.engine")):
            own = _switches(given, where)
            engine = {**{key: engine[key] for key in engine if key in OF_DEPLOYMENT or "profile" not in own}, **own}
        found["engine"] = engine
    if file.limits:
        given = (check_mapping(each.get("batch") or {}, "batch") for each in (shared, part))
        found["batch"] = {key: value for limits in (file.limits, *given) for key, value in limits.items()}
    return found


def _read_engines(mapping: dict[str, Any]) -> dict[str, Any]:
    """A scenario's mapping in which every engine has all its switches; a pool's are the instance's but for its own."""
    instance = check_mapping(mapping.get("instance", {}), "instance")
    shared = _read_engine(instance.get("engine"), {}, "instance.engine")
    read = {**mapping, "instance": {**instance, "engine": shared}}
    pools = mapping.get("pools")
    if isinstance(pools, list | tuple):
        read["pools"] = [_read_pool(check_mapping(pool, f"pools[{i}]"), shared, i) for i, pool in enumerate(pools)]
    return read


def _read_pool(pool: dict[str, Any], shared: dict[str, Any], number: int) -> dict[str, Any]:
    if pool.get("engine") is None:
        return pool
    return {**pool, "engine": _read_engine(pool["engine"], shared, f"pools[{number}].engine")}


def _read_engine(given: Any, shared: dict[str, Any], path: str) -> dict[str, Any]:
    """The switches of a profile named alone or in a mapping, else the shared ones, but for those that are given.

    The limits belong to the deployment: they stay with another profile.
    """
    own = _switches(given, path)
    name = own.get("profile")
    if isinstance(name, str):
        check_choice(f"{path}.profile" if isinstance(given, Mapping) else path, name, PROFILES)
        shared = {**plain(PROFILES[name]), **{key: shared.get(key, 0) for key in OF_DEPLOYMENT}}
    return {**shared, **own}


def _switches(given: Any, path: str) -> dict[str, Any]:
    """What is given of an engine, a profile named alone or a mapping, as a mapping."""
    return {} if given is None else {"profile": given} if isinstance(given, str) else check_mapping(given, path)


def _fill_pools(mapping: dict[str, Any]) -> dict[str, Any]:
    """A scenario's mapping in which pools have what they share with the instance, and the cluster their number.

    A latency model with neither a model nor numbers of its own is the instance's on another GPU or tp.
    """
    pools = mapping.get("pools")
    if not isinstance(pools, list | tuple) or not pools:
        return mapping
    instance = check_mapping(mapping.get("instance", {}), "instance")
    filled = [_fill_pool(check_mapping(pool, f"pools[{i}]"), instance, f"pools[{i}]") for i, pool in enumerate(pools)]
    cluster = check_mapping(mapping.get("cluster", {}), "cluster")
    counts = [pool.get("count", 1) for pool in filled]
    if "instances" not in cluster and all(isinstance(count, int) for count in counts):
        cluster["instances"] = sum(counts)
    return {**mapping, "cluster": cluster, "pools": filled}


def _fill_pool(pool: dict[str, Any], instance: dict[str, Any], path: str) -> dict[str, Any]:
    filled = dict(pool)
    for key in ("latency_model", "kv", "batch"):
        if pool.get(key) is None:
            continue
        own = check_mapping(pool[key], f"{path}.{key}")
        shared = check_mapping(instance.get(key, {}), f"instance.{key}")
        if key == "latency_model":
            stands_alone = any(own.get(name) for name in _OWN)
            shared = {} if stands_alone else {name: shared[name] for name in _DEPLOYMENT if name in shared}
        filled[key] = {**shared, **own}
    return filled


def _fill_tiers(mapping: dict[str, Any]) -> dict[str, Any]:
    """A scenario's mapping with complete tiers."""
    tiers = mapping.get("slo_tiers")
    if not isinstance(tiers, Mapping):
        return mapping
    filled = {
        name: {**plain(default_tier(name)), **tier} if isinstance(tier, Mapping) else tier
        for name, tier in tiers.items()
    }
    return {**mapping, "slo_tiers": filled}


def _resolve_latency(mapping: dict[str, Any]) -> dict[str, Any]:
    """The scenario's mapping with the numbers of every latency model, and the KV blocks that these call for.

    A pool's own latency model sizes its cache too, unless the pool or the instance says how many blocks there are.
    """
    instance = check_mapping(mapping.get("instance", {}), "instance")
    latency = check_mapping(instance.get("latency_model", {}), _MODEL)
    kv = check_mapping(instance.get("kv", {}), "instance.kv")
    found, found_kv = LATENCY.resolve(*with_coefficients(latency, kv, _MODEL), _MODEL)
    resolved = {**mapping, "instance": {**instance, "latency_model": found, "kv": found_kv}}
    pools = mapping.get("pools")
    if isinstance(pools, list | tuple):
        resolved["pools"] = [
            _resolve_pool(check_mapping(pool, f"pools[{number}]"), latency, kv, f"pools[{number}]")
            for number, pool in enumerate(pools)
        ]
    return resolved


def _resolve_pool(pool: dict[str, Any], latency: dict[str, Any], kv: dict[str, Any], path: str) -> dict[str, Any]:
    """A pool in which whatever is its own is complete; `latency` and `kv` are what the instance was given."""
    own = pool.get("latency_model") is not None
    if own:
        latency = check_mapping(pool["latency_model"], f"{path}.latency_model")
    if pool.get("kv") is not None:
        kv = check_mapping(pool["kv"], f"{path}.kv")
    elif not own:
        return pool
    where = f"{path}.latency_model" if own else _MODEL
    latency, kv = LATENCY.resolve(*with_coefficients(latency, kv, where), where)
    return {**pool, "kv": kv, **({"latency_model": latency} if own else {})}
