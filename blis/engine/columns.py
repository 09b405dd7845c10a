"""The columns of a ResultTable that a run fills, by the rows of World.times and World.counts that hold them."""

from __future__ import annotations

#: Of World.times. The first four and `routed_us` are written when it happens, the others by `report`.
TIMES = (
    "queued_us",
    "scheduled_us",
    "first_token_us",
    "completed_us",
    "ttft_us",
    "e2e_us",
    "scheduling_delay_us",
    "routed_us",
)
#: Of World.counts, in the order that `report` writes them.
COUNTS = ("status", "instance", "cached_tokens", "generated_tokens", "preemptions", "first_step", "last_step", "reason")

QUEUED_US, SCHEDULED_US = TIMES.index("queued_us"), TIMES.index("scheduled_us")
FIRST_TOKEN_US, COMPLETED_US = TIMES.index("first_token_us"), TIMES.index("completed_us")
TTFT_US, E2E_US = TIMES.index("ttft_us"), TIMES.index("e2e_us")
STATUS, GENERATED_TOKENS = COUNTS.index("status"), COUNTS.index("generated_tokens")
FIRST_STEP, LAST_STEP = COUNTS.index("first_step"), COUNTS.index("last_step")
# Columns that the control plane writes when it decides; `report` blanks them where it did not.
ROUTED_US = TIMES.index("routed_us")
REASON = COUNTS.index("reason")

#: Of World.handovers: when the KV of a prompt was asked for, when it was there, and how many blocks were moved.
HANDOVERS = ("asked_us", "there_us", "blocks")
ASKED_US, THERE_US, MOVED_BLOCKS = range(3)
