"""What a user may add, in one file of their own: a latency model, and an admission policy with a longer memory."""

from blis.latency import LATENCY
from blis.policies.admission import ADMISSION
from blis.policies.registry import Bounds

US = Bounds(0, 1e9)
ADMISSIONS = 5


@LATENCY.register(
    "itemised",
    fixed_us=US,
    prefill_us_token=US,
    decode_us_member=US,
    context_us_token=US,
    pair_us=Bounds(0, 1e9, default=0),
)
def itemised(fixed_us, prefill_us_token, decode_us_member, context_us_token, pair_us, step):
    """So many µs for each thing that is known of a step."""
    context = step.prefill_context + step.decode_context
    work_us = prefill_us_token * step.prefill_tokens + decode_us_member * step.decodes
    return fixed_us + work_us + context_us_token * context + pair_us * step.prefill_pairs


@ADMISSION.register("five-a-window", memory=ADMISSIONS, window_us=Bounds(1, 1e12, default=1e6))
def five_a_window(window_us, memory, views, ask):
    """At most five requests in a window; the slots hold the times of the last five, later by a µs than zero."""
    times = memory[0]
    if times[0] > 0 and ask.now_us + 1 - times[0] < window_us:
        return False
    for k in range(ADMISSIONS - 1):
        times[k] = times[k + 1]
    times[ADMISSIONS - 1] = ask.now_us + 1
    return True
