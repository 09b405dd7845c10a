"""Scenario files: YAML or a mapping in, a checked Scenario with all names resolved out, and back.

Layout: architecture.md section 5. A file may hold a `workload` mapping beside the scenario's own keys, as
the `scenario.yaml` of a search's run folder does; `split_workload` takes it off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from blis.config import LATENCY_KINDS, Admission, Batch, Routing, Scenario
from blis.errors import InputError, check_choice
from blis.latency.table import TABLE_BLOCK_TOKENS, coefficient_table
from blis.policies.bundle import PolicyBundle
from blis.yaml_strict import build, check_mapping, load_mapping, named_source, plain

_KEY_ORDER = ("name", "description", "pathological", "seed", "horizon_us", "cluster", "instance")
_MODEL = "instance.latency_model"


def load_scenario(source: str | Path | Mapping[str, Any]) -> Scenario:
    """A scenario from a YAML file or a mapping.

    Coefficients left out (or all zero) are looked up by the model's name, GPU and tp; the KV cache then has
    the table's size unless `kv.blocks` is given. A `workload` mapping is left aside.
    Raises InputError naming file, key, value and what would be right.
    """
    if isinstance(source, str | Path):
        with named_source(source):
            return load_scenario(load_mapping(source))
    mapping, _ = split_workload(source)
    return build(Scenario, _resolve_latency(mapping))


def split_workload(source: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """A scenario file's mapping without its embedded workload specification, and that, if there is one."""
    mapping = check_mapping(source, "scenario")
    workload = mapping.pop("workload", None)
    return mapping, None if workload is None else check_mapping(workload, "workload")


def scenario_mapping(scenario: Scenario) -> dict[str, Any]:
    """The canonical mapping of a scenario: every value spelled out, keys in a fixed order; loads back equal."""
    mapping = plain(scenario)
    return {key: mapping[key] for key in _KEY_ORDER if key in mapping}


def apply_bundle(scenario: Scenario, bundle: PolicyBundle) -> Scenario:
    """The scenario with everything that a policy bundle sets; what the bundle leaves out stays."""
    cluster, instance = scenario.cluster, scenario.instance
    return replace(
        scenario,
        cluster=replace(
            cluster, admission=_admission(cluster.admission, bundle), routing=_routing(cluster.routing, bundle)
        ),
        instance=replace(
            instance,
            batch=_batch(instance.batch, bundle),
            scheduler=_either(bundle.scheduler, instance.scheduler),
            priority=_either(bundle.priority.policy, instance.priority),
        ),
    )


def _admission(admission: Admission, bundle: PolicyBundle) -> Admission:
    given, bucket = bundle.admission, admission.token_bucket
    return replace(
        admission,
        policy=_either(given.policy, admission.policy),
        token_bucket=replace(
            bucket,
            capacity_tokens=_either(given.token_bucket_capacity, bucket.capacity_tokens),
            refill_tokens_per_s=_either(given.token_bucket_refill_rate, bucket.refill_tokens_per_s),
        ),
    )


def _routing(routing: Routing, bundle: PolicyBundle) -> Routing:
    given = bundle.routing
    return replace(
        routing,
        policy=_either(given.policy, routing.policy),
        scorers=_either(given.scorers, routing.scorers),
        tie_break=_either(given.tie_break, routing.tie_break),
    )


def _batch(batch: Batch, bundle: PolicyBundle) -> Batch:
    given = bundle.engine
    return replace(
        batch,
        max_running=_either(given.max_running, batch.max_running),
        max_scheduled_tokens=_either(given.max_scheduled_tokens, batch.max_scheduled_tokens),
        long_prefill_threshold=_either(given.long_prefill_threshold, batch.long_prefill_threshold),
    )


def _either(given: Any, present: Any) -> Any:
    """A bundle's value where it is set (0 is a value), the scenario's otherwise."""
    return present if given is None else given


def _resolve_latency(mapping: dict[str, Any]) -> dict[str, Any]:
    """The scenario's mapping with alpha, beta and kv.blocks filled from the table where they are left out."""
    instance = check_mapping(mapping.get("instance", {}), "instance")
    latency = check_mapping(instance.get("latency_model", {}), _MODEL)
    check_choice(f"{_MODEL}.kind", latency.get("kind", LATENCY_KINDS[0]), LATENCY_KINDS)
    given = {key: latency[key] for key in ("alpha", "beta") if latency.get(key)}
    if len(given) == 1:
        (key,) = given
        missing = "beta" if key == "alpha" else "alpha"
        raise InputError(f"{_MODEL}: {key} is given without {missing}; give both, or neither and model, gpu and tp")
    if any(value != 0 for values in given.values() for value in _items(values)):
        return mapping
    if not latency.get("model"):
        raise InputError(f"{_MODEL}: give alpha and beta, or the model (and gpu and tp) to look them up by")
    entry = coefficient_table().find(**_model_key(latency))
    latency = {**latency, "gpu": entry.gpu, "tp": entry.tp, "alpha": list(entry.alpha), "beta": list(entry.beta)}
    kv = check_mapping(instance.get("kv", {}), "instance.kv")
    if "blocks" not in kv:
        block_tokens = kv.get("block_size_tokens", TABLE_BLOCK_TOKENS)
        if isinstance(block_tokens, int) and block_tokens > 0:  # otherwise an error that the KV config reports
            kv["blocks"] = max(1, entry.kv_blocks * TABLE_BLOCK_TOKENS // block_tokens)
    return {**mapping, "instance": {**instance, "latency_model": latency, "kv": kv}}


def _items(values: object) -> list[object]:
    """The items of a list; anything else counts as given, and is refused later with its type."""
    return list(values) if isinstance(values, list | tuple) else [values]


def _model_key(latency: dict[str, Any]) -> dict[str, Any]:
    """Model, GPU and tp as the table wants them, each of the right type."""
    for key, kind, expected in (("model", str, "a text"), ("gpu", str, "a text"), ("tp", int, "a whole number")):
        value = latency.get(key)
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            raise InputError(f"{_MODEL}.{key} must be {expected}, got {value!r}")
    return {"model": latency["model"], "gpu": latency.get("gpu") or "", "tp": latency.get("tp") or 0}
