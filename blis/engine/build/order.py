"""The order of waiting requests and of victims, settled before the run: policies give keys, kernels see ranks.

Keys come from the templates (policies/schedulers.py, policies/priority.py) as whole columns; docs/policies.md
section 5 says why none of them changes while a request waits.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blis.config import Compat, Instance, Scenario
from blis.engine.build.arrays import blank, room
from blis.engine.records import COLUMNS, FCFS, LEAST_ATTAINED, NONE, ORDER, RANKED, SERVICE
from blis.engine.world import Array
from blis.policies import schedulers
from blis.policies.priority import PRIORITIES
from blis.policies.schedulers import SCHEDULERS
from blis.tables.requests import RequestTable, draws

_CODES = {schedulers.FCFS: FCFS, schedulers.LEAST_ATTAINED: LEAST_ATTAINED}


def queue_order(instance: Instance) -> int:
    """How the wait queue is kept: FCFS, RANKED or LEAST_ATTAINED."""
    return _CODES.get(instance.scheduler, RANKED)


def order_asked(instance: Instance) -> bool:
    """Whether a run asks for more than the order in which requests enter the wait queue."""
    return queue_order(instance) != FCFS or instance.preemption == "priority"


def order(scenario: Scenario, table: RequestTable, compat: Compat) -> Array:
    """ORDER of every request; no rows if the run asks for none of it."""
    instance = scenario.instance
    queue = queue_order(instance)
    victims = instance.preemption == "priority"
    if not order_asked(instance):
        return room(ORDER, 0)
    places = blank(ORDER, len(table)) if table.closed else room(ORDER, len(table))
    columns = _Columns(scenario, table)
    if queue != FCFS and table.closed:  # ranks are settled at arrivals
        places.tenant = table.tenant
    elif queue != FCFS:
        places.tie = 0
        places.rank = _rank(columns, compat)
        places.tenant = table.tenant
    if victims:
        places.victim = _victim(columns)
    return places


def service(scenario: Scenario, table: RequestTable) -> Array:
    """SERVICE at the start, [instances, tenants]; one stands for all if only ranks count, none if nothing does."""
    tenants = {FCFS: 0, RANKED: 1, LEAST_ATTAINED: len(table.tenant_names)}[queue_order(scenario.instance)]
    found = blank(SERVICE, (scenario.cluster.places, tenants))
    found.root = NONE
    return found


def static_priority(scenario: Scenario, table: RequestTable, arrival_us: NDArray[np.int64]) -> NDArray[np.float64]:
    """[n] how urgent each request is, larger = more, without the part that grows for all alike while they wait.

    arrival_us: [n] when each has arrived.
    """
    return _Columns(scenario, replace(table, arrival_us=arrival_us, cache={})).priority


def unsettled(scenario: Scenario, table: RequestTable) -> Array:
    """[n] COLUMNS that ranks are made of at arrivals; no rows where all ranks are settled before the run."""
    asks = order_asked(scenario.instance) or scenario.cluster.flow_control.enabled
    if not (table.closed and asks):
        return blank(COLUMNS, 0)
    columns, found = _Columns(scenario, table), blank(COLUMNS, len(table))
    for name in ("input_tokens", "output_tokens", "class_priority", "class_weight", "ttft_us"):
        found[name] = getattr(columns, name)
    found.length_noise = columns.length_noise
    return found


class _Columns:
    """What keys are made of, [n] each; computed when a template asks for it."""

    def __init__(self, scenario: Scenario, table: RequestTable) -> None:
        self.table = table
        self.instance = scenario.instance
        self.tiers = [scenario.tier(name) for name in table.slo_names]
        self.arrival_us, self.input_tokens, self.output_tokens = (
            table.arrival_us,
            table.input_tokens,
            table.output_tokens,
        )

    @cached_property
    def class_priority(self) -> NDArray[np.float64]:
        return np.array([tier.priority for tier in self.tiers], np.float64)[self.table.slo_class]

    @cached_property
    def class_weight(self) -> NDArray[np.float64]:
        return np.array([tier.weight for tier in self.tiers], np.float64)[self.table.slo_class]

    @cached_property
    def ttft_us(self) -> NDArray[np.float64]:
        return np.array([tier.ttft_ms * 1000.0 for tier in self.tiers], np.float64)[self.table.slo_class]

    @cached_property
    def priority(self) -> NDArray[np.float64]:
        """What the priority policy says."""
        name, given = self.instance.priority, self.instance.priority_parameters
        return PRIORITIES[name].function(*PRIORITIES.values(name, given), self)

    @cached_property
    def length_noise(self) -> NDArray[np.float64]:
        """Standard normal numbers, the same in every run of the table."""
        cache = self.table.cache
        if "engine/length_noise" not in cache:
            cache["engine/length_noise"] = length_noise(self.table.uniform)
        return cache["engine/length_noise"]  # type: ignore[return-value]


def length_noise(uniform: NDArray[np.float64], first: int = 1) -> NDArray[np.float64]:
    """[n] standard normal numbers (Box and Muller 1958), made of a column `uniform` as `draws` are."""
    u, v = draws(uniform, "length-1", first), draws(uniform, "length-2", first)
    return np.sqrt(-2.0 * np.log(1.0 - u)) * np.cos(2.0 * np.pi * v)


def _rank(columns: _Columns, compat: Compat) -> NDArray[np.int32]:
    """The place of every request in the order (key, arrival, row), or in compat (key, arrival, id as text)."""
    instance, cache = columns.instance, columns.table.cache
    by_priority = "priority" in SCHEDULERS[instance.scheduler].reads
    fixed = not SCHEDULERS[instance.scheduler].bounds
    if by_priority:
        fixed &= not PRIORITIES[instance.priority].bounds and "class" not in PRIORITIES[instance.priority].reads
    if not fixed:
        return _sorted_rank(columns, compat)
    name = f"engine/rank/{instance.scheduler}/{instance.priority * by_priority}/{compat.ids_as_text}"
    if name not in cache:
        cache[name] = _sorted_rank(columns, compat)
    return cache[name]  # type: ignore[return-value]


def _sorted_rank(columns: _Columns, compat: Compat) -> NDArray[np.int32]:
    name, given = columns.instance.scheduler, columns.instance.scheduler_parameters
    key = SCHEDULERS[name].function(*SCHEDULERS.values(name, given), columns)
    if compat.ids_as_text:
        return _places(np.lexsort((_id_places(columns.table), columns.arrival_us, key)))
    return _places(np.argsort(key, kind="stable"))  # rows are in the order of arrival


def _id_places(table: RequestTable) -> NDArray[np.int32]:
    """The place of every request among the ids in the order of their code points, which is that of UTF-8 bytes."""
    if "engine/id_places" not in table.cache:
        table.cache["engine/id_places"] = _places(np.array(sorted(range(len(table)), key=table.request_id), np.int64))
    return table.cache["engine/id_places"]  # type: ignore[return-value]


def _victim(columns: _Columns) -> NDArray[np.int64]:
    """What victims are ordered by, the first to go first: the least class priority, then the latest arrival.

    Of a class they count down in the order of arrivals; where those are not known, the kernel does it.
    """
    _, level = np.unique([tier.priority for tier in columns.tiers], return_inverse=True)
    n = len(columns.table)
    known = np.zeros(n, np.int64) if columns.table.closed else np.arange(n)
    return level.astype(np.int64)[columns.table.slo_class] * n + (n - 1 - known)


def _places(rows: NDArray[Any]) -> NDArray[np.int32]:
    """The place of every row in a list of all rows."""
    places = np.empty(len(rows), np.int32)
    places[rows] = np.arange(len(rows), dtype=np.int32)
    return places
