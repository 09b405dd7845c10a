"""The original's simple workloads: one request every 1/rate seconds, lengths from clamped normal distributions.

Source: engine.md 11.3 and 13.3, workload-and-calibration.md section 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from blis.config import MAX_TIME_US
from blis.errors import InputError, check_integer, check_number
from blis.tables.requests import RequestTable
from blis.workload.assemble import MAX_TOKENS, assemble
from blis.workload.content.tree import intern_prefix_groups
from blis.workload.draw.arrivals import MAX_RATE, MAX_REQUESTS
from blis.workload.draw.lengths import Distribution
from blis.workload.draw.streams import stream


@dataclass(frozen=True)
class Preset:
    """Token counts of prompts and outputs; field names are the original's keys.

    prefix_tokens: one prefix that all prompts start with, besides the tokens drawn.
    """

    prefix_tokens: int = 0
    prompt_tokens: int = 512
    prompt_tokens_stdev: int = 256
    prompt_tokens_min: int = 2
    prompt_tokens_max: int = 7000
    output_tokens: int = 512
    output_tokens_stdev: int = 256
    output_tokens_min: int = 2
    output_tokens_max: int = 7000

    def __post_init__(self) -> None:
        """Check 1 <= min <= mean <= max, and that deviations and prefix are not negative."""
        for field in fields(self):
            low = 0 if field.name.endswith("stdev") or field.name == "prefix_tokens" else 1
            check_integer(field.name, getattr(self, field.name), low, MAX_TOKENS)
        for side in ("prompt_tokens", "output_tokens"):
            low, mean, high = (getattr(self, side + end) for end in ("_min", "", "_max"))
            if not low <= mean <= high:
                raise InputError(f"{side}: min <= mean <= max must hold, got min {low}, mean {mean}, max {high}")

    @property
    def lengths(self) -> tuple[Distribution, Distribution]:
        """Of what is drawn for a prompt, and of the output."""
        prompt, output = (
            Distribution(
                "gaussian",
                {
                    "mean": getattr(self, side),
                    "std_dev": getattr(self, f"{side}_stdev"),
                    "min": getattr(self, f"{side}_min"),
                    "max": getattr(self, f"{side}_max"),
                },
            )
            for side in ("prompt_tokens", "output_tokens")
        )
        return prompt, output


#: The workload whose lengths are all up to the user; its defaults are those of `Preset`.
DISTRIBUTION = "distribution"

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "chatbot": Preset(0, 256, 100, 2, 800, 256, 100, 1, 1024),
        "contentgen": Preset(0, 1024, 150, 10, 2048, 1024, 200, 10, 2048),
        "summarization": Preset(0, 4096, 500, 100, 8192, 512, 150, 10, 2048),
        "multidoc": Preset(0, 10240, 1200, 500, 20480, 1536, 300, 50, 4096),
    }
)


def generate_preset(
    preset: Preset, rate: float, n: int, seed: int, horizon_us: int | None = None, *, truncated_gap: bool = False
) -> RequestTable:
    """`n` requests, `rate` a second, the first at 0; none at or after the horizon.

    truncated_gap: gaps are cut to whole microseconds, as in the original; else their sums are rounded.
    Random streams of `seed`: preset/prompt, preset/output, workload/uniform.
    Raises InputError for numbers out of range.
    """
    check_number("rate", rate, 0, MAX_RATE, above=0)
    check_integer("num_requests", n, 1, MAX_REQUESTS)
    check_integer("seed", seed, 0)
    arrival_us = _arrivals(rate, n, horizon_us or MAX_TIME_US, truncated_gap)
    n = len(arrival_us)
    prompt, output = preset.lengths
    input_tokens = preset.prefix_tokens + prompt.sample(stream(seed, "preset/prompt"), n)
    output_tokens = output.sample(stream(seed, "preset/output"), n)
    return assemble(
        intern_prefix_groups(np.zeros(n), np.full(n, preset.prefix_tokens), input_tokens, output_tokens),
        arrival_us=arrival_us,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        uniform=stream(seed, "workload/uniform").random(n),
    )


def _arrivals(rate: float, n: int, horizon_us: int, truncated_gap: bool) -> NDArray[np.int64]:
    """Evenly spaced times below the horizon; the one at 0 is always there."""
    gap_us = int(1 / (rate / 1e6)) if truncated_gap else 1e6 / rate
    if (n - 1) * gap_us > MAX_TIME_US:
        raise InputError(f"rate {rate:g} puts arrivals beyond {MAX_TIME_US} µs")
    number = np.arange(n)
    times = number * gap_us if truncated_gap else np.floor(number * 1e6 / rate + 0.5)
    return times[times < horizon_us].astype(np.int64)
