"""The `inference_perf` block of a specification: a load generator's few numbers, written out as clients.

Source: workload-and-calibration.md section 14.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from blis.errors import InputError, check_integer, check_number
from blis.workload.assemble import MAX_TOKENS
from blis.workload.draw.arrivals import MAX_RATE
from blis.yaml_strict import build

BLOCK = "inference_perf"
MAX_CLIENTS = 100_000
ROUNDS, THINK_TIME_US = 5, 500_000  # of a chat


@dataclass(frozen=True)
class LoadStage:
    """So many requests a second for so many seconds."""

    rate: float
    duration: float

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_number("rate", self.rate, 0, MAX_RATE, above=0)
        check_number("duration", self.duration, 0, 1e9, above=0)


@dataclass(frozen=True)
class SharedPrefix:
    """Every system prompt has its own users; all ask questions of one length and get answers of one length."""

    num_unique_system_prompts: int
    num_users_per_system_prompt: int
    system_prompt_len: int
    question_len: int
    output_len: int
    enable_multi_turn_chat: bool = False

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_integer("num_unique_system_prompts", self.num_unique_system_prompts, 1, MAX_CLIENTS)
        most = MAX_CLIENTS // self.num_unique_system_prompts
        check_integer("num_users_per_system_prompt", self.num_users_per_system_prompt, 1, most)
        check_integer("system_prompt_len", self.system_prompt_len, 0, MAX_TOKENS)
        check_integer("question_len", self.question_len, 1, MAX_TOKENS)
        check_integer("output_len", self.output_len, 1, MAX_TOKENS)


@dataclass(frozen=True)
class InferencePerf:
    """The block."""

    stages: tuple[LoadStage, ...]
    shared_prefix: SharedPrefix

    def __post_init__(self) -> None:
        """Check that there is a stage."""
        if not self.stages:
            raise InputError("stages: at least one must be given")

    @property
    def mean_rate(self) -> float:
        """Requests a second over all stages."""
        duration = math.fsum(stage.duration for stage in self.stages)
        return math.fsum(stage.rate * stage.duration for stage in self.stages) / duration


def with_clients_of_stages(mapping: dict[str, Any]) -> dict[str, Any]:
    """A specification's mapping with clients for its block: a user each, at the rate of the stage that it is in.

    Raises InputError for a wrong block, clients beside it, or another aggregate_rate than that of its stages.
    """
    rest = {key: value for key, value in mapping.items() if key != BLOCK}
    for key in ("clients", "population", "servegen_data", "rate_over_time"):
        if rest.get(key):
            raise InputError(f"{key} and {BLOCK} both say who sends; one of them must go")
    block = build(InferencePerf, mapping[BLOCK], BLOCK)
    rate = rest.setdefault("aggregate_rate", block.mean_rate)
    if isinstance(rate, int | float) and not math.isclose(rate, block.mean_rate, rel_tol=1e-6):
        raise InputError(
            f"aggregate_rate {rate:g}: the stages of {BLOCK} send {block.mean_rate:g} a second; leave it out"
        )
    rest.setdefault("category", "reasoning" if block.shared_prefix.enable_multi_turn_chat else "language")
    return rest | {"rate_over_time": {"stages": _stages(block)}, "clients": _clients(block.shared_prefix)}


def _stages(block: InferencePerf) -> list[dict[str, float]]:
    """The stages as factors on the mean rate."""
    return [{"duration_s": stage.duration, "factor": stage.rate / block.mean_rate} for stage in block.stages]


def _clients(shape: SharedPrefix) -> list[dict[str, Any]]:
    """The users, prompt by prompt."""
    users = shape.num_users_per_system_prompt
    same: dict[str, Any] = {
        "slo_class": "batch",
        "rate_fraction": 1 / (shape.num_unique_system_prompts * users),
        "arrival": {"process": "poisson"},
        "input_distribution": {"type": "constant", "params": {"value": shape.question_len}},
        "output_distribution": {"type": "constant", "params": {"value": shape.output_len}},
        "prefix_length": shape.system_prompt_len,
    }
    if shape.enable_multi_turn_chat:
        chat = {"max_rounds": ROUNDS, "think_time_us": THINK_TIME_US, "context_growth": "accumulate"}
        same["reasoning"] = {
            "reason_ratio_distribution": {"type": "constant", "params": {"value": 0}},
            "multi_turn": chat,
        }
    return [
        {
            "id": f"prompt-{prompt}-user-{user}",
            "tenant_id": f"prompt-{prompt}",
            "prefix_group": f"prompt-{prompt}",
            **same,
        }
        for prompt in range(shape.num_unique_system_prompts)
        for user in range(users)
    ]
