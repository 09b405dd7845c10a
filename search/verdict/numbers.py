"""A comparison as plain numbers, as verdicts have it."""

from __future__ import annotations

from typing import Any

from blis.comparison.statistics import AnyComparison, BlockComparison


def comparison_dict(comparison: AnyComparison, p_holm: float | None = None) -> dict[str, Any]:
    """A comparison as plain numbers."""
    if isinstance(comparison, BlockComparison):
        return {
            "mean": comparison.mean,
            "interval": comparison.bounds and list(comparison.bounds),
            "bootstrap": comparison.bounds and comparison.bootstrap,
            "blocks": comparison.blocks,
            "block_s": comparison.block_us / 1e6,
        }
    facts = {
        "mean": comparison.mean,
        "t": [comparison.t_low, comparison.t_high],
        "bca": [comparison.bca_low, comparison.bca_high],
        "bootstrap": comparison.bootstrap,
        "p": comparison.p_value,
        "tables": comparison.n,
    }
    return facts if p_holm is None else {**facts, "p_holm": p_holm}
