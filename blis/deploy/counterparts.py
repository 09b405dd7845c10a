"""What is what: our scorers, filters and policies, and the plugins of the llm-d router that do the same.

Every other file of this package only walks these tables. Sources: docs/policies.md section 3, with the releases, and
docs/spec/policies-and-router.md section 2.5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

#: Thresholds that are never reached: how llm-d's own sample turns its detector off.
NEVER_QUEUED, NEVER_FULL = 999_999_999, 1.0

_TOKENS = (
    "llm-d counts prompt tokens that are not cached, until the first token is out; here all prompt tokens count until"
    " the request is done"
)
_EVENTS = "wants the model's name, the engine's block size and where its KV events come from; a bundle has none of them"


@dataclass(frozen=True)
class Counterpart:
    """One of our templates and the plugin that is the same.

    parameters: our name -> theirs. producer: the plugin that has to gather what it looks at. note: how the two differ.
    needs: what a deployment must have beside the file.
    off: our value of a parameter, where theirs is 0 and means never. counts: parameters of ours that whole numbers are
    held against, so that nothing is lost below the point. outdated: only in the older dialect, today the name means
    another. everywhere: also where there is only Gateway API Inference Extension 1.3, without llm-d's plugins.
    """

    ours: str
    theirs: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    producer: str = ""
    note: str = ""
    needs: str = ""
    off: Mapping[str, float] = field(default_factory=dict)
    counts: tuple[str, ...] = ()
    outdated: bool = False
    everywhere: bool = False


APPROXIMATE, PRECISE, IN_FLIGHT = (
    "approx-prefix-cache-producer",
    "precise-prefix-cache-producer",
    "inflight-load-producer",
)

SCORERS = (
    Counterpart("prefix-affinity", "prefix-cache-scorer", producer=APPROXIMATE, everywhere=True),
    Counterpart(
        "precise-prefix-cache",
        "prefix-cache-scorer",
        producer=PRECISE,
        needs=f"precise-prefix-cache-producer {_EVENTS}",
    ),
    Counterpart(
        "precise-prefix-cache-2026-04",
        "precise-prefix-cache-scorer",
        needs=f"it {_EVENTS}",
        outdated=True,
    ),
    Counterpart("queue-waiting", "queue-scorer", everywhere=True),
    Counterpart("kv-utilization", "kv-cache-utilization-scorer", everywhere=True),
    Counterpart(
        "active-requests",
        "active-request-scorer",
        {"idle_threshold": "idleThreshold", "max_busy_score": "maxBusyScore"},
        IN_FLIGHT,
        counts=("idle_threshold",),
    ),
    Counterpart("running-requests", "running-requests-size-scorer", everywhere=True),
    Counterpart("load-aware", "load-aware-scorer", {"threshold": "threshold"}),
    Counterpart("no-hit-lru", "no-hit-lru-scorer", producer=APPROXIMATE),
    Counterpart(
        "token-load", "token-load-scorer", {"queue_threshold_tokens": "queueThresholdTokens"}, IN_FLIGHT, _TOKENS
    ),
    Counterpart(
        "session-affinity",
        "session-affinity-scorer",
        needs="alpha: the router needs --allow-experimental-plugins, and clients must send their session back",
    ),
    Counterpart("lora-affinity", "lora-affinity-scorer", everywhere=True),
)

FILTERS = (
    Counterpart(
        "prefix-affinity",
        "prefix-cache-affinity-filter",
        {
            "threshold": "affinityThreshold",
            "max_queueing_penalty_ms": "maxTTFTPenaltyMs",
            "prefill_tokens_per_s": "peakPrefillThroughput",
        },
        IN_FLIGHT,
        _TOKENS,
        off={"max_queueing_penalty_ms": 1e9},
    ),
)

#: Our filter on waiting requests is their detector in a profile, with KV caches that are never too full.
LOAD_FILTER, DETECTOR, CONCURRENCY = "load", "utilization-detector", "concurrency-detector"

#: Our policies that differ by a word from a plugin: what is written, and how it differs.
NEARLY = {
    "queue-depth": (
        "active-requests",
        "llm-d has no scorer of waiting + running + pending requests; active-request-scorer divides by the largest"
        " number, not by the range (7 to 13 % apart near saturation)",
    ),
}

#: Parameters of our admission policy `probabilistic` and of their admitter.
ADMITTER = {
    "queue_threshold": "queueDepthThreshold",
    "kv_threshold": "kvCacheUtilThreshold",
    "power": "power",
    "k": "k",
}

ORDERINGS = {"fcfs": "fcfs-ordering-policy", "deadline": "slo-deadline-ordering-policy"}
FAIRNESS = {"global-strict": "global-strict-fairness-policy", "round-robin": "round-robin-fairness-policy"}
PICKERS = {"max": "max-score-picker", "weighted-random": "weighted-random-picker"}

#: What has no counterpart in the llm-d router, by the bundle's key, and the nearest that has.
NEAREST = {
    "routing.policy": {
        "round-robin": "random",
        "power-of-two": "weighted with the scorer active-requests",
        "lmetric": "weighted with the scorers prefix-affinity and active-requests",
        "prefix-affinity": "weighted with the filter prefix-affinity",
        "prefix-affinity-exact": "weighted with the filter prefix-affinity",
        "session-affinity": "weighted with the scorer session-affinity",
        "always-busiest": "random",
    },
    "routing.filters": {"load": "the scorer load-aware", "prefix-affinity": "the scorer prefix-affinity"},
    "routing.scorers": {
        "load-balance": "active-requests",
        "vllm-dp": "queue-waiting",
        "soft-affinity": "session-affinity",
        "precise-prefix-cache": "prefix-affinity",
        "precise-prefix-cache-2026-04": "precise-prefix-cache",
    },
    "admission.policy": {
        "token-bucket": "probabilistic",
        "tenant-token-bucket": "flow_control with fairness round-robin",
        "queue-depth": "flow_control with max_requests_per_band",
        "tier-shed": "utilization-shed",
        "tenant-budget": "flow_control with fairness round-robin",
        "reject-all": "utilization-shed",
        "probabilistic": "utilization-shed",
    },
    "detector": {"concurrency": "utilization"},
}
