"""The engine's part of a bundle as arguments of vLLM, and back.

The names of KNOBS and of `scheduling-policy` are the same in vllm/config/scheduler.py and vllm/engine/arg_utils.py of
vllm-project/vllm from 0.8 (at 001999d) over 0.12 (01230b4) and 0.13 (1f8758d) to the autumn of 2026; what is not in all
of them says so below. The file is what `vllm serve --config` reads: long names without their dashes.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from blis.config import MAX_DRAFTS
from blis.deploy.arguments import read_arguments
from blis.deploy.document import Document
from blis.deploy.notes import Notes
from blis.errors import InputError, check_integer, in_short, unknown_name
from blis.files import read_text
from blis.numerals import read_whole
from blis.policies.bundle import BundlePriority, PolicyBundle, given_fields
from blis.policies.priority import PRIORITIES
from blis.yaml_strict import check_mapping, parse_yaml

KNOBS = {
    "max_running": "max-num-seqs",
    "max_scheduled_tokens": "max-num-batched-tokens",
    "long_prefill_threshold": "long-prefill-token-threshold",
}
POLICY = "scheduling-policy"

#: How many tokens are guessed is one of its keys; who guesses them is not a policy's.
SPECULATION, DRAFTS = "speculative-config", "num_speculative_tokens"

#: How many requests run, where the engine has room for more: `max-num-seqs` if it is not given (#56758, 0.31).
ACTIVE = "max-num-active-seqs"

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
    "max-loras": "instance.lora.max_loras",
    "max-cpu-loras": "instance.lora.max_cpu_loras",
    "async-scheduling": "instance.engine.async_scheduling",
    "scheduler-reserve-full-isl": "instance.engine.reserve_full_prompt",  # #37307, 0.19
    "gpu-memory-utilization": "instance.kv.blocks",
    "kv-cache-memory-bytes": "instance.kv.blocks",
}

#: Arguments whose other values cannot be simulated: what can.
_ONLY: dict[str, tuple[Any, ...]] = {
    "enable-prefix-caching": (True,),
    "enable-chunked-prefill": (True,),
    "max-num-partial-prefills": (1,),  # up to #49244, July 2026
    "max-long-partial-prefills": (1,),  # the same
    "prefill-schedule-interval": (1,),  # 2026
    "max-num-queued-reqs": (),  # 2026
    "scheduler-cls": (),
    "speculative-model": (),  # up to 0.8
    "data-parallel-size": (1,),
    "pipeline-parallel-size": (1,),
    "kv-transfer-config": (),
}

_LEAST = {"long_prefill_threshold": 0}  # of the others 1

#: As `25.6k` and `8K`, which are 25,600 and 8,192; only of the first kind are there parts.
_SUFFIXES = {
    letter: base ** (power + 1)
    for base, letters in ((1000, "kmgt"), (1024, "KMGT"))
    for power, letter in enumerate(letters)
}


def import_vllm(path: str | Path, notes: Notes) -> dict[str, Any]:
    """The mapping of a bundle from a file: YAML for `vllm serve --config`, a list of words, or a command line."""
    document = read_arguments(read_text(path), str(path))
    given = document.value
    bundle: dict[str, Any] = {}
    names = KNOBS | ({"max_running": ACTIVE} if ACTIVE in given else {})
    engine = {ours: _whole(document, theirs, _LEAST.get(ours, 1)) for ours, theirs in names.items() if theirs in given}
    if SPECULATION in given:
        engine["speculative_tokens"] = _drafts(document, notes)
    if engine:
        bundle["engine"] = engine
    if POLICY in given:
        value = given[POLICY]
        if not isinstance(value, str) or value not in POLICIES:
            raise document.wrong(POLICY, str(unknown_name("scheduling policy", value, POLICIES)))
        bundle |= POLICIES[value]
    for name, value in given.items():
        _check_other(document, name, value, notes)
    for theirs in (theirs for theirs in (*names.values(), POLICY) if theirs not in given):
        notes.add(f"{theirs}: not given, so that the scenario's own holds; vLLM's default depends on GPU and release")
    return bundle


def _whole(document: Document, name: str, least: int) -> int:
    """A whole number; of tokens vLLM takes it with a suffix, too."""
    text = str(document.value[name])
    suffixed = (
        re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9}(?=[kmgt]))?)([kmgtKMGT])", text) if name.endswith("-tokens") else None
    )
    try:
        value = int(Fraction(suffixed[1]) * _SUFFIXES[suffixed[2]]) if suffixed else read_whole(text)
        check_integer("it", value, least, 2**31 - 1)
    except ValueError as error:
        raise document.wrong(name, str(error)) from None
    return value


def _drafts(document: Document, notes: Notes) -> int:
    """How many tokens are guessed for each request, a step."""
    given = document.value[SPECULATION]
    try:
        config = check_mapping(parse_yaml(given, SPECULATION) if isinstance(given, str) else given, SPECULATION)
        drafts = read_whole(str(config.get(DRAFTS, "")))
        check_integer(DRAFTS, drafts, 0, MAX_DRAFTS)
    except ValueError as error:
        wanted = f"it must be a mapping with {DRAFTS} in [0, {MAX_DRAFTS}]"
        raise document.wrong(SPECULATION, f"{wanted}, got {in_short(given)}") from error
    notes.add(f"{SPECULATION}: what the drafts are worth stands in the scenario, instance.drafter")
    return drafts


def _check_other(document: Document, name: str, value: object, notes: Notes) -> None:
    """An argument that sets nothing of a bundle: wrong, noted, or none of ours."""
    if name in KNOBS.values() or name in (POLICY, ACTIVE, SPECULATION):
        return
    if name in SCENARIO:
        notes.add(f"{name} {value}: set {SCENARIO[name]} in the scenario, a bundle does not have it")
    elif name in _ONLY:
        allowed = _ONLY[name]
        if str(value).lower() not in [str(one).lower() for one in allowed]:
            nearest = f"{name} {str(allowed[0]).lower()}" if allowed else f"to leave {name} out"
            raise document.wrong(name, f"{in_short(value)} cannot be simulated; the nearest is {nearest}")
    elif near := _meant(name):
        raise document.wrong(name, f"unknown argument {name!r} (did you mean {near!r}?)")
    else:
        notes.add(f"{name}: not looked at, no bundle has it")


def _meant(name: str) -> str | None:
    """One of ours whose beginning this is, which vLLM takes for it, or which it is nearly."""
    known = [*KNOBS.values(), POLICY, ACTIVE, SPECULATION, *SCENARIO, *_ONLY]
    begun = [one for one in known if one.startswith(name)] if len(name) > 3 else []
    return next(iter(begun or difflib.get_close_matches(name, known, n=1, cutoff=0.85)), None)


def export_vllm(bundle: PolicyBundle, notes: Notes) -> dict[str, Any]:
    """The file for `vllm serve --config`. Raises InputError for what vLLM does not have."""
    engine = given_fields(bundle.engine)
    arguments = {theirs: engine[ours] for ours, theirs in KNOBS.items() if ours in engine}
    _check_budget(engine)
    if engine.get("speculative_tokens"):
        drafts = engine["speculative_tokens"]
        notes.add(f"engine.speculative_tokens {drafts}: set {DRAFTS} of your own {SPECULATION} to it")
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
