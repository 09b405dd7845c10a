"""The scenario that a command line asks for: file, flags, data files of the original, policy bundle.

Precedence of every key: command line, policy bundle, scenario file, default.
"""

from __future__ import annotations

import argparse
import copy
from pathlib import Path
from typing import Any

from blis.cli.diagnostics import Log
from blis.cli.flags import POLICY_FLAGS, SCENARIO_FLAGS, Flag, add_flags, given_keys, set_key
from blis.config import Compat, Instance, Pool, Scenario
from blis.errors import InputError
from blis.latency.coefficients import file_of, unsaid
from blis.latency.deployment import described_model
from blis.latency.plausible import implausible
from blis.latency.table import TABLE_BLOCK_TOKENS, coefficient_table
from blis.original.defaults_file import load_defaults, short_version
from blis.original.foreign_files import hardware_from_file
from blis.policies.bundle import load_bundle
from blis.scenario import apply_bundle, load_scenario, split_workload
from blis.yaml_strict import check_mapping, load_mapping, named_source, plain

_UNLIMITED_US = 2**63 - 1  # how the original writes "no horizon"
_LATENCY = "instance.latency_model"
_NUMBERS = ("alpha", "beta", "roofline", "parameters", "coefficients", "fitted")
_NAMES = ("kind", "model", "hf_config", "gpu", "tp")

#: Flags that name the files that numbers of a latency model are read from.
DATA_FLAGS = (
    Flag("--vllm-version", "", str, "and this version of vLLM, as v0.8.4"),
    Flag("--defaults-filepath", "", str, "look up in the original's defaults.yaml, not in the shipped table", "FILE"),
    Flag("--hf-config", "", str, "roofline: the model's config.json, as Hugging Face has it", "FILE"),
    Flag("--model-config-folder", "", str, "roofline: folder with the model's config.json", "FOLDER"),
    Flag("--hardware-config", "", str, "roofline: the original's hardware file (JSON)", "FILE"),
)


def add_scenario_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that `read_scenario` reads, but for --config and --policy-config."""
    add_flags(parser.add_argument_group("scenario"), SCENARIO_FLAGS + DATA_FLAGS)
    add_flags(parser.add_argument_group("policy"), POLICY_FLAGS)


def read_scenario(options: argparse.Namespace, log: Log | None = None) -> tuple[Scenario, dict[str, Any] | None]:
    """The scenario with bundle and flags applied, and the workload that its file holds, if any."""
    mapping: dict[str, Any] = load_mapping(options.config) if options.config else {}
    given = (
        options.config,
        options.model,
        options.beta_coeffs,
        options.hf_config,
        options.model_config_folder,
        options.coefficients,
    )
    if not any(given):
        raise InputError("--config or --model must be given: give alpha and beta, or the model, or a scenario file")
    return scenario_of(mapping, options.config or "blis run", options, log or Log())


def scenario_of(
    mapping: dict[str, Any], where: str, options: argparse.Namespace, log: Log
) -> tuple[Scenario, dict[str, Any] | None]:
    """The same of a scenario's mapping. where: what errors in it are said of."""
    with named_source(where):
        mapping, workload = split_workload(mapping)
        mapping = _with_data_files(_with_flags(mapping, options), options, log)
        scenario = load_scenario(mapping)
    bundle = load_bundle(options.policy_config) if options.policy_config else load_bundle({})
    scenario = apply_bundle(scenario, bundle)
    scenario = apply_bundle(scenario, load_bundle(given_keys(options, POLICY_FLAGS)))
    _report(scenario, options, log)
    _warn_of_unsaid(mapping, log)
    _tell_servers(mapping, scenario, log)
    return scenario, workload


def _with_flags(mapping: dict[str, Any], options: argparse.Namespace) -> dict[str, Any]:
    """A scenario's mapping with the flags that name its keys."""
    mapping = copy.deepcopy(mapping)
    deployment = (options.model, options.hardware, options.tp, options.latency_model, options.coefficients)
    if any(value is not None for value in deployment) and _is_nested(mapping):
        latency = mapping["instance"]["latency_model"]
        # A coefficients file has a deployment of its own, and a model that is named has a shape of its own.
        named = _NAMES if options.coefficients else ("hf_config",) if options.model else ()
        for key in (*_NUMBERS, *named):
            latency.pop(key, None)  # the file's numbers belong to another deployment
    for flag in SCENARIO_FLAGS:
        if flag.value(options) is not None:
            set_key(mapping, flag.key, flag.value(options))
    if mapping.get("horizon_us") == _UNLIMITED_US:
        mapping["horizon_us"] = None
    return mapping


def _is_nested(mapping: dict[str, Any]) -> bool:
    """Whether there is a latency model to look into; what else is there is refused when it is loaded."""
    instance = mapping.get("instance")
    return isinstance(instance, dict) and isinstance(instance.get("latency_model"), dict)


def _with_data_files(mapping: dict[str, Any], options: argparse.Namespace, log: Log) -> dict[str, Any]:
    """The mapping with what --model-config-folder and its like say; coefficients that are given win over them."""
    instance = check_mapping(mapping.get("instance", {}), "instance")
    latency = check_mapping(instance.get("latency_model", {}), _LATENCY)
    roofline_files = bool(options.hf_config or options.model_config_folder or options.hardware_config)
    if _is_given(latency.get("beta")) or latency.get("coefficients"):
        for flag in DATA_FLAGS:
            for_workload = flag.name == "--defaults-filepath" and options.workload
            if flag.value(options) and not for_workload:
                log.warn(f"{flag.name} changes nothing: coefficients are given")
        return mapping
    if roofline_files:
        latency = _roofline(latency, options)
        return {**mapping, "instance": {**instance, "latency_model": latency}}
    if latency.get("kind", "blackbox") != "blackbox" or not latency.get("model"):
        return mapping
    if options.defaults_filepath:
        kv = check_mapping(instance.get("kv", {}), "instance.kv")
        latency, kv = _from_defaults_file(latency, kv, options, log)
        return {**mapping, "instance": {**instance, "latency_model": latency, "kv": kv}}
    if options.vllm_version:
        _check_version(latency, options.vllm_version)
    return mapping


def _is_given(coefficients: object) -> bool:
    """Whether a list of coefficients says something: not left out, not all zero."""
    return any(coefficients) if isinstance(coefficients, list | tuple) else coefficients is not None


def _roofline(latency: dict[str, Any], options: argparse.Namespace) -> dict[str, Any]:
    """A roofline of the files given; what one does not say is looked up by name."""
    parts = check_mapping(latency.get("roofline") or {}, f"{_LATENCY}.roofline")
    if options.hf_config and options.model_config_folder:
        raise InputError("give --hf-config or --model-config-folder, not both")
    if options.hf_config or options.model_config_folder:
        latency.pop("hf_config", None)
        file = options.hf_config or Path(options.model_config_folder) / "config.json"
        parts["model"] = plain(described_model(file, str(latency.get("model") or ""), _LATENCY))
    if options.hardware_config:
        gpu = latency.get("gpu")
        if not gpu:
            raise InputError("--hardware-config needs --hardware, the name of the GPU in it")
        parts["hardware"] = plain(hardware_from_file(options.hardware_config, str(gpu)))
    if not latency.get("tp"):
        raise InputError("a roofline needs --tp, the number of GPUs that share the model")
    kind = "roofline-original" if latency.get("kind") == "roofline-original" else "roofline"
    return {**latency, "kind": kind, "roofline": parts}


def _from_defaults_file(
    latency: dict[str, Any], kv: dict[str, Any], options: argparse.Namespace, log: Log
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Coefficients and KV blocks as the user's defaults.yaml has them."""
    defaults = load_defaults(options.defaults_filepath)
    deployment = str(latency["model"]), str(latency.get("gpu") or ""), latency.get("tp") or 0
    entry, ambiguous = defaults.find(*deployment, options.vllm_version or "")
    if ambiguous:
        deployment_text = f"{entry.model}, {entry.gpu}, tp {entry.tp}"
        log.warn(f"{defaults.path}: several different entries for {deployment_text}; the first counts")
    found = {"gpu": entry.gpu, "tp": entry.tp, "alpha": list(entry.alpha), "beta": list(entry.beta)}
    block_tokens = kv.get("block_size_tokens", TABLE_BLOCK_TOKENS)
    if "blocks" not in kv and isinstance(block_tokens, int) and block_tokens > 0:
        kv = {**kv, "blocks": max(1, entry.kv_blocks * TABLE_BLOCK_TOKENS // block_tokens)}
    return {**latency, **found}, kv


def _check_version(latency: dict[str, Any], version: str) -> None:
    """Raise InputError unless the shipped coefficients were measured with this version of vLLM."""
    entry = coefficient_table().find(str(latency["model"]), str(latency.get("gpu") or ""), int(latency.get("tp") or 0))
    if short_version(version) != entry.vllm:
        deployment = f"{entry.model} on {entry.gpu}, tp {entry.tp}"
        raise InputError(f"--vllm-version {version!r}: the coefficients of {deployment} are of vLLM {entry.vllm}")


def _warn_of_unsaid(mapping: dict[str, Any], log: Log) -> None:
    """Say which coefficients may be of another server than the scenario's: their log did not name its own."""
    for part in (mapping.get("instance", {}), *(mapping.get("pools") or ())):
        latency = part.get("latency_model") or {}
        for key in unsaid(latency):
            log.warn(f"{latency['coefficients']} does not say which {key} it was fitted to; taken for {latency[key]}")


def _tell_servers(mapping: dict[str, Any], scenario: Scenario, log: Log) -> None:
    """Say what the instances have of the servers that their coefficients were fitted to."""
    shared = scenario.instance
    parts = mapping.get("instance", {}), *(mapping.get("pools") or ())
    owners: tuple[Instance | Pool, ...] = (shared, *scenario.pools)
    for part, own in zip(parts, owners, strict=True):
        latency = part.get("latency_model") or {}
        batch, kv, engine = own.batch or shared.batch, own.kv or shared.kv, own.engine or shared.engine
        has = {"engine": engine.text, "kv_blocks": kv.blocks, "max_running": batch.max_running}
        has["max_scheduled_tokens"] = batch.max_scheduled_tokens
        file = file_of(latency)
        same = [f"{key} {value}" for key, value in has.items() if file and value == getattr(file, key)]
        if same:
            log.note(f"as the server of {latency['coefficients']}: {', '.join(same)}")


def _report(scenario: Scenario, options: argparse.Namespace, log: Log) -> None:
    """Say what was understood, and what has no effect."""
    latency, kv, cluster = scenario.instance.latency_model, scenario.instance.kv, scenario.cluster
    names = (latency.model or "model not named", latency.gpu or "GPU not named", f"tp {latency.tp or 'not given'}")
    log.info(f"{cluster.instances} instances; {latency.kind}: {', '.join(names)}; {kv.blocks} KV blocks")
    policies = (cluster.admission.policy, cluster.routing.policy, scenario.instance.scheduler)
    log.info("admission {}, routing {}, scheduler {}".format(*policies))
    if options.routing_scorers and cluster.routing.policy != "weighted":
        log.warn(f"--routing-scorers changes nothing: the routing policy is {cluster.routing.policy!r}")
    caches = [replica.instance.kv for replica in scenario.replicas]
    if any(cache.cpu_blocks and cache.offload_threshold != 0.9 for cache in caches):
        log.warn("kv.offload_threshold has no effect: a block goes to the CPU when it is evicted")
    for model in {id(one): one for one in (replica.instance.latency_model for replica in scenario.replicas)}.values():
        flaw = "" if model.allow_implausible else implausible(model, Compat())
        if flaw:
            log.warn(f"implausible: {flaw}")
        if model.fitted and model.fitted.not_told:
            log.warn(f"{model.fitted.source} did not tell {', '.join(model.fitted.not_told)}: no error covers that")
    delay_us = cluster.admission.latency_us + cluster.routing.latency_us
    if scenario.horizon_us is not None and scenario.horizon_us < delay_us:
        log.warn(f"a request is routed {delay_us} µs after it came, beyond the horizon of {scenario.horizon_us} µs")
