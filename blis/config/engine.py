"""How an engine schedules: switches in which releases of vLLM differ, and profiles of them by name.

docs/engine-profiles.md has the measured effect of each, and what of vLLM is not modelled.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from blis.errors import InputError, check_choice, check_integer

#: What belongs to a deployment, and stays as it is with another profile.
OF_DEPLOYMENT = ("max_model_len", "truncate_prompt_tokens")

NAMES = ("original", "vllm-0.8", "vllm-2026")


@dataclass(frozen=True)
class Engine:
    """The switches of one engine; `profile` says where those that were not given come from."""

    profile: str = "original"
    reserve_full_prompt: bool = False  # who waits gets in only if the whole prompt fits, not just its next chunk
    unkeyed_first: bool = False  # blocks that are not full are the next to be taken once they are free
    whole_lone_prefill: bool = False  # batch.long_prefill_threshold does not hold for who is alone on the instance
    async_scheduling: bool = False  # the batch of a step is chosen when the step before it begins
    max_model_len: int = 0  # a sequence ends with so many tokens, and a prompt has fewer; 0 = no limit
    truncate_prompt_tokens: int = 0  # of a longer prompt so many tokens are kept, from its beginning; 0 = all

    def __post_init__(self) -> None:
        """Check the name and the limits."""
        check_choice("engine.profile", self.profile, NAMES)
        for name in OF_DEPLOYMENT:
            check_integer(f"engine.{name}", getattr(self, name), 0, 2**31 - 1)
        if 0 < self.max_model_len <= self.truncate_prompt_tokens:
            limit = f"engine.max_model_len {self.max_model_len}"
            raise InputError(f"engine.truncate_prompt_tokens must be below {limit}, got {self.truncate_prompt_tokens}")

    @property
    def limits(self) -> tuple[int, int]:
        """The most tokens of a prompt, and of a sequence; 0 = no limit."""
        return self.truncate_prompt_tokens, self.max_model_len

    @property
    def text(self) -> str:
        """As a scenario may have it: the name of the profile, or a mapping with the switches that differ from it."""
        usual = asdict(PROFILES[self.profile])
        own = {name: value for name, value in asdict(self).items() if value != usual[name]}
        return json.dumps({"profile": self.profile, **own}) if own else self.profile


#: Every profile. Sources are pull requests and files of vllm-project/vllm.
PROFILES = {
    "original": Engine(),  # the engine of inference-sim: V1 in the spring of 2025
    "vllm-0.8": Engine("vllm-0.8"),  # V1 in 0.8.5: v1/core/sched/scheduler.py and block_pool.py have none of these
    "vllm-2026": Engine(
        "vllm-2026",
        reserve_full_prompt=True,  # config/scheduler.py, scheduler_reserve_full_isl: #37307, on in 0.19.1
        unkeyed_first=True,  # v1/core/block_pool.py, free_blocks: in 0.24
        whole_lone_prefill=True,  # v1/core/sched/scheduler.py, long_prefill_token_threshold: #57951, September 2026
        async_scheduling=True,  # v1/core/sched/async_scheduler.py: #19970, on since 0.14 (#27614)
    ),
}
