"""How much of the prompts was found in the KV cache: numbers that are easily taken for each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blis.config import Compat
from blis.evaluation.ratios import ratio
from blis.tables.results import ResultTable


@dataclass(frozen=True)
class HitRates:
    """prompt: the honest one. The diluted ones also count blocks that were taken for output tokens as misses (Q15)."""

    headline: float  # `prompt`, or with compat's mean_hit_rate `mean_diluted`
    prompt: float  # full prompt blocks found, in either tier / looked up at first admissions, all instances together
    cpu: float  # of these, found in the second tier / looked up
    again: float  # the same as `prompt` of preempted requests that came back: they mostly find their own
    diluted: float  # cached blocks used, of either tier / (these + blocks newly taken), all instances together
    mean_diluted: float  # the same of each instance, plain mean; an instance without a block counts as 0
    thrashing: float  # blocks brought back within 1 ms after they went / blocks that went to the second tier

    def to_dict(self) -> dict[str, float]:
        """Plain numbers for JSON."""
        return {
            "cache_hit_rate": self.headline,
            "prompt_hit_rate": self.prompt,
            "cpu_hit_rate": self.cpu,
            "readmission_hit_rate": self.again,
            "diluted_hit_rate": self.diluted,
            "mean_instance_hit_rate": self.mean_diluted,
            "kv_thrashing_rate": self.thrashing,
        }


def hit_rates(result: ResultTable, compat: Compat) -> HitRates:
    """All of them; 0 where nothing was looked up. With mean_hit_rate thrashing is a mean over instances, too."""
    counters = result.instances
    looked_up = int(counters["lookup_blocks"].sum())
    hits = counters["hit_blocks"] + counters["cpu_hit_blocks"]
    used = hits + counters["miss_blocks"]
    thrashed, offloaded = counters["thrashed_blocks"], counters["offloaded_blocks"]
    prompt = ratio(int(counters["lookup_hit_blocks"].sum()), looked_up)
    mean_diluted = _mean_ratio(hits, used)
    return HitRates(
        headline=mean_diluted if compat.mean_hit_rate else prompt,
        prompt=prompt,
        cpu=ratio(int(counters["lookup_cpu_hit_blocks"].sum()), looked_up),
        again=ratio(int(counters["again_hit_blocks"].sum()), int(counters["again_blocks"].sum())),
        diluted=ratio(int(hits.sum()), int(used.sum())),
        mean_diluted=mean_diluted,
        thrashing=(
            _mean_ratio(thrashed, offloaded)
            if compat.mean_hit_rate
            else ratio(int(thrashed.sum()), int(offloaded.sum()))
        ),
    )


def _mean_ratio(part: NDArray[Any], whole: NDArray[Any]) -> float:
    """The plain mean over instances; 0 / 0 counts as 0."""
    return float(np.mean(part / np.maximum(whole, 1)))
