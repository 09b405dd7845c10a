"""Tokens that were guessed ahead: how many, and how many of them were given out (docs/speculative.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from blis.config import Scenario
from blis.evaluation.ratios import ratio
from blis.tables.results import ResultTable


@dataclass(frozen=True)
class DraftMetrics:
    """Numbers of a run, with vLLM's meanings; what is guessed beyond the end of an answer is not accepted here."""

    drafts: int  # times that tokens were guessed for a request, a step
    draft_tokens: int
    accepted_tokens: int

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for JSON."""
        return {
            "draft_tokens": self.draft_tokens,
            "accepted_tokens": self.accepted_tokens,
            "draft_acceptance_rate": ratio(self.accepted_tokens, self.draft_tokens),
            "mean_acceptance_length": 1 + ratio(self.accepted_tokens, self.drafts),
        }


def draft_metrics(scenario: Scenario, result: ResultTable) -> DraftMetrics | None:
    """The numbers of a run; None where nobody guesses."""
    accepted = (result.attempts or result).accepted
    if accepted is None:
        return None
    each = np.array([replica.instance.batch.speculative_tokens for replica in scenario.replicas])
    drafted = result.instances["drafted_tokens"]
    return DraftMetrics(int((drafted // np.maximum(each, 1)).sum()), int(drafted.sum()), int(accepted.sum()))
