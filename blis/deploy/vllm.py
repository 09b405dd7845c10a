"""The engine's part of a bundle as arguments of vLLM, and back.

Names as in vllm/engine/arg_utils.py and vllm/config/scheduler.py of vllm-project/vllm (at 01230b4, 0.12). The file is
what `vllm serve --config` reads: long names without their dashes, underscores or not.
"""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from blis.deploy.document import Document, parse_document
from blis.deploy.notes import Notes
from blis.errors import InputError, unknown_name
from blis.files import read_text
from blis.numerals import read_whole
from blis.policies.bundle import BundlePriority, PolicyBundle, given_fields
from blis.policies.priority import PRIORITIES

KNOBS = {
    "max_running": "max-num-seqs",
    "max_scheduled_tokens": "max-num-batched-tokens",
    "long_prefill_threshold": "long-prefill-token-threshold",
}
POLICY = "scheduling-policy"

#: What a scheduling policy of theirs is here. Theirs preempts by its own order; priorities do not grow with age.
POLICIES: dict[str, dict[str, Any]] = {
    "fcfs": {"scheduler": "fcfs", "preemption": "tail"},
    "priority": {
        "scheduler": "priority-fcfs",
        "preemption": "priority",
        "priority": {"policy": "class-age", "parameters": {"age_per_s": 0.0}},
    },
}

#: Arguments that a scenario has instead of a bundle.
SCENARIO = {
    "model": "instance.latency_model.model",
    "tensor-parallel-size": "instance.latency_model.tp",
    "block-size": "instance.kv.block_size_tokens",
    "num-gpu-blocks-override": "instance.kv.blocks",
    "max-model-len": "instance.engine.max_model_len",
    "async-scheduling": "instance.engine.async_scheduling",
}

#: Arguments whose other values cannot be simulated: what can.
_ONLY: dict[str, tuple[Any, ...]] = {
    "enable-prefix-caching": (True,),
    "enable-chunked-prefill": (True,),
    "max-num-partial-prefills": (1,),
    "speculative-config": (),
    "data-parallel-size": (1,),
    "kv-transfer-config": (),
}


def import_vllm(path: str | Path, notes: Notes) -> dict[str, Any]:
    """The mapping of a bundle from a file: YAML for `vllm serve --config`, or a command line."""
    text = read_text(path)
    words = re.search(r"^\s*(-|vllm\b|python)", text)
    document = _command_line(text, str(path)) if words else parse_document(text, str(path))
    given = {key.replace("_", "-"): (key, value) for key, value in document.value.items()}
    bundle: dict[str, Any] = {}
    engine = {ours: _whole(document, *given[theirs]) for ours, theirs in KNOBS.items() if theirs in given}
    if engine:
        bundle["engine"] = engine
    if POLICY in given:
        key, value = given[POLICY]
        if not isinstance(value, str) or value not in POLICIES:
            raise document.wrong(key, str(unknown_name("scheduling policy", value, POLICIES)))
        bundle |= POLICIES[value]
    for name, (key, value) in given.items():
        _check_other(document, name, key, value, notes)
    for theirs in (theirs for theirs in (*KNOBS.values(), POLICY) if theirs not in given):
        notes.add(f"{theirs}: not given, so that the scenario's own holds; vLLM's default depends on GPU and release")
    return bundle


def _command_line(text: str, source: str) -> Document:
    """The arguments of a command line; comments and the words before the first argument are none."""
    try:
        words = shlex.split(text.replace("\\\n", " "), comments=True)
    except ValueError as error:
        raise InputError(f"{source}: not a command line: {error}") from None
    found: dict[str, Any] = {}
    for word in words:
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            last = name.removeprefix("no-") if not equals else name
            found[last] = value if equals else not name.startswith("no-")
        elif found:
            found[last] = word
    return Document(source, found, {})


def _whole(document: Document, key: str, value: object) -> int:
    try:
        return read_whole(str(value))
    except ValueError as error:
        raise document.wrong(key, str(error)) from None


def _check_other(document: Document, name: str, key: str, value: object, notes: Notes) -> None:
    """An argument that sets nothing of a bundle: wrong, noted, or none of ours."""
    known = [*KNOBS.values(), POLICY, *SCENARIO, *_ONLY]
    if name in KNOBS.values() or name == POLICY:
        return
    if name in SCENARIO:
        notes.add(f"{name} {value}: set {SCENARIO[name]} in the scenario, a bundle does not have it")
    elif name in _ONLY:
        allowed = _ONLY[name]
        if str(value).lower() not in [str(one).lower() for one in allowed]:
            nearest = f"{name} {str(allowed[0]).lower()}" if allowed else f"to leave {name} out"
            raise document.wrong(key, f"{value} cannot be simulated; the nearest is {nearest}")
    elif near := difflib.get_close_matches(name, known, n=1, cutoff=0.85):
        raise document.wrong(key, f"unknown argument {key!r} (did you mean {near[0]!r}?)")
    else:
        notes.add(f"{name}: changes nothing that is simulated")


def export_vllm(bundle: PolicyBundle, notes: Notes) -> dict[str, Any]:
    """The file for `vllm serve --config`. Raises InputError for what vLLM does not have."""
    engine = given_fields(bundle.engine)
    arguments = {theirs: engine[ours] for ours, theirs in KNOBS.items() if ours in engine}
    _check_budget(engine)
    policy = _policy(bundle)
    if policy is not None:
        arguments[POLICY] = policy
    if policy == "priority":
        notes.add("scheduling-policy priority: each request must carry `priority`, lower is earlier: minus its class's")
    return arguments


def _check_budget(engine: Mapping[str, int]) -> None:
    budget, running = engine.get("max_scheduled_tokens"), engine.get("max_running")
    if budget is not None and running is not None and budget < running:
        raise InputError(
            f"engine.max_scheduled_tokens {budget} is below engine.max_running {running}: vLLM does not start so;"
            f" the nearest is max_running {budget}"
        )


def _policy(bundle: PolicyBundle) -> str | None:
    """Their scheduling policy, None if the bundle leaves the scheduler out."""
    if bundle.scheduler is None:
        return None
    if bundle.scheduler not in ("fcfs", "priority-fcfs"):
        raise InputError(f"scheduler {bundle.scheduler!r} has no counterpart in vLLM; the nearest is 'fcfs'")
    name = "fcfs" if bundle.scheduler == "fcfs" else "priority"
    wanted = POLICIES[name]
    if (bundle.preemption or "tail") != wanted["preemption"]:
        raise InputError(
            f"preemption {bundle.preemption or 'tail'!r} has no counterpart beside scheduler {bundle.scheduler!r} in"
            f" vLLM; the nearest is {wanted['preemption']!r}"
        )
    if name == "priority" and _grows(bundle.priority):
        raise InputError(
            f"priority.policy {bundle.priority.policy!r} has no counterpart in vLLM, where priorities do not change;"
            " the nearest is 'class-age' with age_per_s 0"
        )
    return name


def _grows(priority: BundlePriority) -> bool:
    """Whether a request gets more urgent while it waits, or nobody knows how urgent it is."""
    if priority.policy != "class-age":
        return True
    return bool(PRIORITIES.named_values("class-age", priority.parameters or {})["age_per_s"])
