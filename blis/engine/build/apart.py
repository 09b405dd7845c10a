"""Prefill and decode apart, as numbers and arrays; no rows where all instances do both (docs/disaggregation.md)."""

from __future__ import annotations

import numpy as np

from blis.config import DECIDERS, Compat, Scenario
from blis.engine.build.arrays import room
from blis.engine.columns import HANDOVERS
from blis.engine.records import DECODES, HEAP, NONE, PREFILLS
from blis.engine.world import Array
from blis.errors import InputError

#: What an instance may do, by its role.
ROLES = {"both": DECODES | PREFILLS, "prefill": PREFILLS, "decode": DECODES}


def check_apart(scenario: Scenario, compat: Compat) -> None:
    """Raise InputError where prefill and decode are apart in a run like the original's, which knows no such thing."""
    if scenario.apart and compat != Compat():
        raise InputError(
            "compat: in the original every instance does both prefill and decode; leave it out, or the roles"
        )


def encode_apart(scenario: Scenario, requests: int) -> tuple[dict[str, float], dict[str, Array]]:
    """The numbers of CONFIG and the arrays of World."""
    cluster, apart = scenario.cluster, scenario.apart
    transfer, block_tokens = cluster.kv_transfer, scenario.replicas[0].instance.kv.block_size_tokens
    config: dict[str, float] = {
        "apart": apart,
        "decider": DECIDERS.index(cluster.disaggregation.decider),
        "uncached_tokens": cluster.disaggregation.uncached_tokens,
        "block_bytes": block_tokens * scenario.token_bytes if apart else 0,
        "bytes_us": transfer.bytes_per_us,
        "link_latency_us": transfer.latency_us,
        "hold_us": transfer.hold_us,
    }
    rows = requests if apart else 0
    arrays = {"transfers": room(HEAP, (1, rows)), "handovers": np.full((len(HANDOVERS), rows), NONE)}
    return config, arrays


def prefills_each(scenario: Scenario) -> int:
    """Prefills that a request may have: one for each time that it is sent."""
    return 1 + (scenario.cluster.retries.limit if scenario.cluster.failures.any else 0)


def with_prefills(rows: Array, each: int, output_tokens: str = "") -> Array:
    """The rows again and again: behind those of the requests stand those of their prefills, first all first ones.

    output_tokens: what these lack.
    """
    both = np.concatenate([rows] * (1 + each)).view(type(rows))
    if output_tokens:
        both[len(rows) :][output_tokens] = 0
    return both
