"""Draft tokens as arrays; no rows where nobody guesses (docs/speculative.md)."""

from __future__ import annotations

import numpy as np

from blis.config import Compat, Instance, Scenario
from blis.engine.world import Array
from blis.errors import InputError


def check_drafts(scenario: Scenario, compat: Compat) -> None:
    """Raise InputError for draft tokens in a run like the original's, which knows no such thing."""
    if _most_drafts(scenario) and compat != Compat():
        raise InputError(
            "compat: in the original every step gives one token; leave it out, or batch.speculative_tokens"
        )


def encode_drafts(scenario: Scenario, requests: int) -> dict[str, Array]:
    """The arrays of World. requests: rows of the run."""
    drafts = _most_drafts(scenario)
    accepts = np.zeros((len(scenario.replicas), drafts))
    for row, replica in zip(accepts, scenario.replicas, strict=True):
        chances = replica.instance.drafter.chances(replica.instance.batch.speculative_tokens)
        row[: len(chances)] = chances
    return {"accepts": accepts, "accepted": np.zeros(requests if drafts else 0, np.int32)}


def drafting(instance: Instance) -> dict[str, float]:
    """The numbers of ENGINE."""
    drafts = instance.batch.speculative_tokens
    return {"drafts": drafts, "drafting_us": drafts * instance.drafter.draft_us}


def _most_drafts(scenario: Scenario) -> int:
    return max(replica.instance.batch.speculative_tokens for replica in scenario.replicas)
