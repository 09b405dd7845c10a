"""An admission policy: turns away prompts that are too long."""

from blis.policies.admission import ADMISSION
from blis.policies.registry import Bounds


@ADMISSION.register("extra-short-prompts", max_tokens=Bounds(1, 1e9, log=True, default=8192, span=(512, 65536)))
def extra_short_prompts(max_tokens, memory, views, ask):
    """Prompts of at most `max_tokens`."""
    return ask.input_tokens <= max_tokens
