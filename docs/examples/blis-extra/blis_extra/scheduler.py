"""A scheduler: the longest prompt first."""

from blis.policies.schedulers import SCHEDULERS


@SCHEDULERS.register("extra-longest-prompt")
def extra_longest_prompt(columns):
    """The most input tokens first."""
    return -columns.input_tokens
