"""Who reads which fact, when it is read, and what a kept decision shows of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np

from blis.config import DETECTORS, Compat, Profile, Routing, Scenario
from blis.engine.build.arrays import listed
from blis.engine.build.encode_traits import DRAWS
from blis.engine.gateway.records import (
    ADMISSION,
    BATCH,
    CACHE,
    END,
    GIVE_UP,
    GO_ON,
    KV,
    LOOK,
    LORA,
    QUEUE,
    RETRY,
    ROUTING,
    SAMPLE,
    SIGNAL,
    VIEW,
)
from blis.engine.observe import Observe
from blis.engine.records import NONE
from blis.engine.world import Array
from blis.policies.admission import ADMISSION as ADMISSION_POLICIES
from blis.policies.filters import FILTERS
from blis.policies.routing import ROUTING as ROUTING_POLICIES
from blis.policies.scorers import SCORERS

Readers = Mapping[str, int]  # bits of the events that read a fact, by the fact's name in `Registry.register`

_DECISIONS = ADMISSION | ROUTING | LOOK | RETRY
_DETECTOR_READS = dict(zip(DETECTORS, ((), ("in_flight",), ("queue_depth", "pending", "kv")), strict=True))
#: Counters of the instances, which have no age.
_LIVE = ("pending", "in_flight", "tenants", "completed", "answers")
#: Facts of a request that go from TRAITS into ASK.
ASKED = ("tenant", "priority", *DRAWS.values())
#: What a kept decision shows whatever the policy reads, so that it can be judged by the load …
_SHOWN = ("queue_depth", "batch_size", "kv", "pending")
_SHOWN_FIELDS = ("turn", "eligible", "queue_depth", "batch_size", "kv_utilization", "free_blocks", "pending", "score")
#: … and the fields of a view that it shows where CONFIG says that routing reads them.
_READ_FIELDS = {
    "reads_in_flight": ("in_flight", "in_flight_tokens"),
    "reads_prefix": ("matched_blocks",),
    "reads_cache": ("cached_blocks",),
    "reads_cold": ("cold_stamp",),
    "reads_session": ("session_home",),
    "reads_home": ("home",),
    "reads_exact_home": ("home",),
    "reads_labels": ("preferred",),
    "reads_lora": ("adapter_active", "adapter_waits", "adapters"),
}


def readers_of(scenario: Scenario, compat: Compat, observe: Observe) -> Readers:
    """Which events read which facts."""
    cluster = scenario.cluster
    routing, flow = cluster.routing, cluster.flow_control
    routed = _read_by(routing)
    if scenario.apart:
        routed |= _read_by(cluster.disaggregation.prefill or routing)
        routed |= {"prefix"} if cluster.disaggregation.decider == "uncached-tokens" else set()
    if compat.exact_prefix_home and "home" in routed:
        routed = routed - {"home"} | {"exact_home"}
    if observe.decisions:
        routed.update(_SHOWN)
    readers: defaultdict[str, int] = defaultdict(int)
    for fact in ADMISSION_POLICIES[cluster.admission.policy].reads:
        readers[fact] |= ADMISSION
    for fact in routed:
        readers[fact] |= (LOOK if flow.enabled else ROUTING) | RETRY
    if cluster.breaker.failures:
        readers["answers"] = _DECISIONS
    if flow.enabled:
        for fact in _DETECTOR_READS[flow.detector]:
            readers[fact] |= LOOK
    return readers


def _read_by(routing: Routing | Profile) -> set[str]:
    """The facts that the choice of an instance reads."""
    read = set(ROUTING_POLICIES[routing.policy].reads)
    read.update(*(FILTERS[one.name].reads for one in routing.filters))
    if routing.policy == "weighted":
        read.update(*(SCORERS[scorer.name].reads for scorer in routing.scorers))
    if routing.picker == "weighted-random":
        read.add("picker")
    return read


def reads_config(routing: Routing, readers: Readers, placements: bool) -> dict[str, float]:
    """The same as numbers of CONFIG; placements: some requests may not run everywhere, or like some places better."""
    counted = ("pending", "in_flight", "prefix", "cache", "cold", "session", "home", "exact_home", "tenants", "lora")
    found: dict[str, float] = {f"reads_{fact}": readers[fact] for fact in (*counted, "completed")}
    found["reads_labels"] = readers["labels"] if placements else 0
    found["reads_traits"] = 0
    for fact in ASKED:
        found["reads_traits"] |= readers[fact]  # type: ignore[operator]
    found["live"] = sum(kind for kind, fact, age_us in _readings(routing) if readers[fact] and not age_us)
    return found


def _readings(routing: Routing) -> tuple[tuple[int, str, int], ...]:
    """What a reading may bring: its bit of SIGNAL.kind, the fact, and its age, 0 = live."""
    ages = routing.signals
    return (
        (QUEUE, "queue_depth", ages.queue_depth.age_us),
        (BATCH, "batch_size", ages.batch_size.age_us),
        (KV, "kv", max(ages.kv.age_us, routing.snapshot_refresh_us)),
        (CACHE, "cache", ages.cache.age_us),
        (LORA, "lora", ages.lora.age_us),
    )


def signals(routing: Routing, readers: Readers, observe: Observe, start_us: int) -> Array:
    """What has to be read when; signals of one age and one audience are read together. Samples begin at `start_us`."""
    groups: defaultdict[tuple[int, bool, int], int] = defaultdict(int)
    for kind, fact, age_us in (*_readings(routing), *((0, fact, 0) for fact in _LIVE)):
        if readers[fact] and age_us:
            lazy = kind == KV and routing.snapshot_refresh_us > 0
            # Instances must not go past an instant of the grid unread, whoever makes them go.
            groups[age_us, lazy, _DECISIONS | (0 if lazy else GO_ON | GIVE_UP)] |= kind
        elif readers[fact]:  # seen as soon as it changes; all it takes is that instances are up to now
            groups[0, False, readers[fact]] |= 0
    rows = [(kinds, who, age_us, lazy, max(age_us, 1), NONE) for (age_us, lazy, who), kinds in groups.items()]
    rows.append((0, END | GO_ON | GIVE_UP, 0, False, 1, NONE))  # at the end everything goes on to its end
    if observe.sample_us:
        first_us = start_us // observe.sample_us * observe.sample_us
        rows.append((SAMPLE, _DECISIONS | END | GO_ON | GIVE_UP, observe.sample_us, False, first_us, NONE))
    return listed(SIGNAL, rows)


def kept_fields(config: np.record) -> list[str]:
    """The fields of VIEW that kept decisions show, in its order."""
    routed = [fields for name, fields in _READ_FIELDS.items() if config[name] & (ROUTING | LOOK)]
    shown = {*_SHOWN_FIELDS, *(field for fields in routed for field in fields)}
    return [name for name in VIEW.names or () if name in shown]
