"""One switch for each behaviour of the original that can be asked for (engine.md 14, the table)."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace


@dataclass(frozen=True)
class Compat:
    """All False is the default, STRICT. `Compat.original()` switches on what `compat: original` means."""

    idle_when_batch_empties: bool = False  # Q2: a step may start while the last one still runs
    last_gap_twice: bool = False  # Q4: last step's gap counted twice, KV of the last token stored
    decode_tokens_only: bool = False  # Q5: output totals leave out first tokens
    first_token_without_output: bool = False  # Q6: a request without output has a TTFT, alpha2 included
    last_scheduling_delay: bool = False  # Q9: a re-admission overwrites the scheduling delay
    fit_prompt_only: bool = False  # Q10: only the prompt is checked against the cache
    free_full_hit: bool = False  # Q11: a fully cached prompt costs nothing and attaches nothing
    behind_horizon: bool = False  # Q20: what a step brings after the horizon is reported, too
    free_context: bool = False  # Q19a: roofline: attention over a cached prefix is free in the admitting step
    original_roofline: bool = False  # kind `roofline` is `roofline-original`
    weights_twice: bool = False  # Q19b: roofline-original: a mixed step reads the weights once for each phase
    ids_as_text: bool = False  # equal keys in a wait queue are ordered by request id, "10" before "2"
    exact_prefix_home: bool = False  # routing prefix-affinity looks at the last full block only
    first_of_ties: bool = False  # equal scores go to the first instance, whatever `tie_break` says
    min_max_precise: bool = False  # routing scorer precise-prefix-cache is the one that it was until 2026-04
    index_root_first: bool = False  # the router's prefix index ages roots first
    blank_snapshot: bool = False  # before the first lazy refresh the router sees no free blocks
    duration_last_event: bool = False  # duration = time of the last event
    mean_hit_rate: bool = False  # the cluster's hit rate is the plain mean over instances, output blocks included
    original_detectors: bool = False  # inversions by E2E instead of priority, long queues against the mean of all

    @classmethod
    def original(cls) -> Compat:
        """All switches on."""
        return replace(cls(), **{switch.name: True for switch in fields(cls)})
