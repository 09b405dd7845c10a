"""The scenario as plain dataclasses: field names are the YAML keys; each checks its own numbers.

Layout: `shared/reference/*/config.yaml`, default-problem.md section 1 and docs/policies.md. Nothing here
reads a file.
"""

from blis.config.autoscaling import METRICS, Autoscaling
from blis.config.clients import RETRY_AFTER_US, Clients
from blis.config.cluster import (
    BANDS,
    DETECTORS,
    FAIRNESS,
    ORDERINGS,
    Admission,
    Cluster,
    FlowControl,
    PriorityBand,
)
from blis.config.compat import Compat
from blis.config.disaggregation import DECIDERS, ROLES, Disaggregation, KVTransfer, Profile
from blis.config.drafter import MAX_DRAFTS, Drafter
from blis.config.engine import OF_DEPLOYMENT, PROFILES, Engine
from blis.config.failures import Breaker, Failures, Outage, Retries, Startup
from blis.config.hedging import Hedging
from blis.config.instance import (
    KV,
    PREEMPTIONS,
    Batch,
    CacheTier,
    Instance,
    LatencyModel,
)
from blis.config.limits import LONGEST_US, MAX_INSTANCES, MAX_TIME_US, MAX_WEIGHT
from blis.config.lora import Lora
from blis.config.routing import (
    PICKERS,
    TIE_BREAKS,
    Filter,
    Routing,
    Scorer,
    Signal,
    Signals,
    default_scorers,
)
from blis.config.scenario import Pool, Replica, Scenario
from blis.config.slo_tiers import CLASS_NAMES, SloTier, default_tier
from blis.latency.shapes import Hardware, ModelShape, Roofline

__all__ = [
    "BANDS",
    "CLASS_NAMES",
    "DECIDERS",
    "DETECTORS",
    "FAIRNESS",
    "KV",
    "LONGEST_US",
    "MAX_DRAFTS",
    "MAX_INSTANCES",
    "MAX_TIME_US",
    "MAX_WEIGHT",
    "METRICS",
    "OF_DEPLOYMENT",
    "ORDERINGS",
    "PICKERS",
    "PREEMPTIONS",
    "PROFILES",
    "RETRY_AFTER_US",
    "ROLES",
    "TIE_BREAKS",
    "Admission",
    "Autoscaling",
    "Batch",
    "Breaker",
    "CacheTier",
    "Clients",
    "Cluster",
    "Compat",
    "Disaggregation",
    "Drafter",
    "Engine",
    "Failures",
    "Filter",
    "FlowControl",
    "Hardware",
    "Hedging",
    "Instance",
    "KVTransfer",
    "LatencyModel",
    "Lora",
    "ModelShape",
    "Outage",
    "Pool",
    "PriorityBand",
    "Profile",
    "Replica",
    "Retries",
    "Roofline",
    "Routing",
    "Scenario",
    "Scorer",
    "Signal",
    "Signals",
    "SloTier",
    "Startup",
    "default_scorers",
    "default_tier",
]
