"""What a run comes down to: counts, rates, latency distributions, per class and in total (engine.md section 12).

TTFT covers every request that finished its prompt, E2E, ITL and TPOT only completed ones, scheduling delay
every request that was admitted: with a horizon these are different populations, so each says its count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blis.config import Compat, Scenario
from blis.evaluation.adapters import AdapterMetrics, adapter_metrics
from blis.evaluation.attainment import Attainment, attainment, ttft_attainment
from blis.evaluation.client_side import CLIENT_SIDE, ClientSide, client_side
from blis.evaluation.detectors.anomalies import Anomalies, find_anomalies
from blis.evaluation.detectors.saturation import Saturation, saturation
from blis.evaluation.distribution import US_PER_MS, Distribution, distribution, known
from blis.evaluation.drafts import DraftMetrics, draft_metrics
from blis.evaluation.fleet import fleet_metrics
from blis.evaluation.handovers import HandoverMetrics, handover_metrics, prefill_tokens, prefills
from blis.evaluation.hit_rates import HitRates, hit_rates
from blis.evaluation.itl import BetweenTokens, between_tokens
from blis.evaluation.ratios import US_PER_S, jain_index, per_s
from blis.evaluation.raw_metrics import RawMetrics, raw_metrics
from blis.evaluation.slo import SLOClass, class_label, class_targets, good_requests, tpot_us
from blis.tables.records import (
    ABANDONED,
    COMPLETED,
    DROPPED,
    IN_TRANSIT,
    LOST,
    NOT_ARRIVED,
    QUEUED,
    REJECTED,
    RUNNING,
    STATUS_NAMES,
)
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable

LATENCIES = ("e2e", "ttft", "itl", "tpot")

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Goodput:
    """Requests that completed and met every SLO of their class."""

    attainment: Attainment
    per_s: float

    def to_dict(self) -> dict[str, float]:
        """Plain numbers for JSON."""
        return {
            "good_requests": self.attainment.met,
            "offered_requests": self.attainment.offered,
            "goodput_share": self.attainment.of_offered,
            "goodput_share_of_completed": self.attainment.of_answered,
            "goodput_per_sec": self.per_s,
        }


@dataclass(frozen=True)
class ClassMetrics:
    """Latencies of one class in ms, how many first tokens were in time, and its goodput if targets were given."""

    ttft: Distribution
    e2e: Distribution
    tpot: Distribution
    itl: Distribution
    ttft_in_time: Attainment
    goodput: Goodput | None

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for JSON."""
        values: dict[str, Any] = {}
        for name in LATENCIES:
            values |= getattr(self, name).flat(name)
        values |= _in_time(self.ttft_in_time)
        return values | (self.goodput.to_dict() if self.goodput is not None else {})


@dataclass(frozen=True)
class Metrics:
    """The numbers of one run. Latencies are in ms unless the name says otherwise.

    Every request is in one place at the end: requests = not_arrived + rejected + unrouted + injected - retries -
    hedges, and injected - retries - hedges = completed + dropped + lost + queued + running + in_transit - unrouted.
    Where clients give up or ask again both hold of their attempts; requests = all that have a status, `abandoned` among
    them.
    """

    requests: int
    not_arrived: int
    rejected: int
    in_transit: int  # arrived and not rejected, but not in a wait queue yet
    unrouted: int  # of these, not sent to an instance yet
    injected: int  # sent to an instance, counted where they come in, as often as they are
    queued: int
    running: int
    completed: int
    without_output: int  # of these, those that have no output: no first token, and never in time
    dropped: int  # could never fit in the KV cache
    lost: int  # their instance has failed, and they were not sent again
    retries: int  # how often requests were sent again because their instance had failed
    hedges: int  # copies that were sent because there was no first token
    wasted_tokens: int  # of prompts, computed by those of a request and its copy who gave their first token too late
    abandoned: int  # their clients have given up for good
    asked_again: int  # attempts of clients after the first one of each request
    preemptions: int
    allocation_failures: int
    input_tokens: int  # of requests that entered a wait queue
    output_tokens: int  # generated, unfinished requests included
    duration_us: int
    ttft: Distribution
    e2e: Distribution
    itl: Distribution  # gaps between tokens of all completed requests
    longest_stall_ms: float  # the longest gap of any request, unfinished ones included
    tpot: Distribution  # (E2E - TTFT) / (output - 1), of completed requests with 2 output tokens or more
    scheduling_delay: Distribution
    classes: dict[str, ClassMetrics]
    ttft_in_time: Attainment  # first tokens within the `ttft_ms` of their tier
    goodput: Goodput | None
    hit_rates: HitRates
    peak_kv_blocks: int  # the largest of any instance
    peak_kv_share: float  # of the instance's blocks
    jain_output_tokens: float  # Jain index over tenants of completed output tokens; 0 if nothing completed
    anomalies: Anomalies
    saturation: Saturation
    raw: RawMetrics
    handovers: HandoverMetrics | None  # None: no instance has a role
    drafts: DraftMetrics | None  # None: no token was guessed
    adapters: AdapterMetrics | None  # None: all requests are for the base model
    client_side: ClientSide | None  # None: no client has a network
    fleet: dict[str, Any]  # how many instances there were, where they may come and go

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for JSON; the original's names where it has the number (engine.md 12.3)."""
        values: dict[str, Any] = {
            "requests": self.requests,
            "completed_requests": self.completed,
            "completed_without_output": self.without_output,
            "still_queued": self.queued,
            "still_running": self.running,
            "in_transit": self.in_transit,
            "unrouted": self.unrouted,
            "not_arrived": self.not_arrived,
            "rejected_requests": self.rejected,
            "dropped_unservable": self.dropped,
            **({"lost_requests": self.lost, "retries": self.retries} if self.lost or self.retries else {}),
            **({"hedges": self.hedges, "wasted_prompt_tokens": self.wasted_tokens} if self.hedges else {}),
            **self._of_clients(),
            "injected_requests": self.injected,
            "total_input_tokens": self.input_tokens,
            "total_output_tokens": self.output_tokens,
            "vllm_estimated_duration_s": self.duration_us / US_PER_S,
            "responses_per_sec": self.raw.requests_per_s,
            "tokens_per_sec": self.raw.tokens_per_s,
        }
        for name in (*LATENCIES, "scheduling_delay"):
            values |= getattr(self, name).flat(name)
        values |= _in_time(self.ttft_in_time)
        if self.goodput is not None:
            values |= self.goodput.to_dict()
        return values | {
            "longest_stall_ms": self.longest_stall_ms or None,
            "kv_allocation_failures": self.allocation_failures,
            "preemption_count": self.preemptions,
            "preemption_rate": self.raw.preemption_rate,
            **self.hit_rates.to_dict(),
            "peak_kv_blocks": self.peak_kv_blocks,
            "peak_kv_share": self.peak_kv_share,
            "jain_output_tokens": self.jain_output_tokens,
            **self.anomalies.to_dict(),
            **self.saturation.to_dict(),
            "classes": {name: metrics.to_dict() for name, metrics in self.classes.items()},
            **self.fleet,
            **({} if self.handovers is None else self.handovers.to_dict()),
            **({} if self.drafts is None else self.drafts.to_dict()),
            **({} if self.adapters is None else self.adapters.to_dict()),
            **({} if self.client_side is None else {CLIENT_SIDE: self.client_side.to_dict()}),
        }

    def _of_clients(self) -> dict[str, int]:
        """What clients do that do not wait for ever, where there are such."""
        if not (self.abandoned or self.asked_again):
            return {}
        return {"abandoned_requests": self.abandoned, "client_retries": self.asked_again}


def compute_metrics(
    scenario: Scenario,
    table: RequestTable,
    result: ResultTable,
    slo: Sequence[SLOClass] | None = None,
    compat: Compat | None = None,
    between: BetweenTokens | None = None,
) -> Metrics:
    """All numbers of a run. slo: targets of every class of the table, for goodput; InputError if one is missing.

    compat: which of the original's definitions are wanted; also those that the run was made with. between: what is
    known of gaps where the result has no step log.
    """
    compat = compat or Compat()
    count = np.bincount(result.status, minlength=len(STATUS_NAMES)).tolist()
    instances = result.instances
    completed = result.status == COMPLETED
    good = None if slo is None else good_requests(table, result, class_targets(table, slo))
    labels, label = class_labels(table.slo_names)
    label = label[table.slo_class]
    between = between or between_tokens(result, label, len(labels))
    itl, *itl_by_class = between.itl
    everybody = _class_metrics(scenario, table, result, np.ones(len(table), np.bool_), good, itl)
    members = {name: label == code for code, name in enumerate(labels)}
    classes = {
        name: everybody if member.all() else _class_metrics(scenario, table, result, member, good, own_itl)
        for (name, member), own_itl in zip(members.items(), itl_by_class, strict=True)
        if member.any()
    }
    blocks = [replica.instance.kv.blocks for replica in scenario.replicas]
    return Metrics(
        requests=len(table),
        not_arrived=count[NOT_ARRIVED],
        rejected=count[REJECTED],
        in_transit=count[IN_TRANSIT],
        unrouted=int(np.count_nonzero((result.status == IN_TRANSIT) & (result.instance < 0))),
        injected=int(instances["routed"].sum()) - prefills(result),
        queued=count[QUEUED],
        running=count[RUNNING],
        completed=count[COMPLETED],
        without_output=int(np.count_nonzero(completed & (table.output_tokens == 0))),
        dropped=count[DROPPED],
        lost=count[LOST],
        retries=0 if result.retries is None else int(result.retries.sum()),
        hedges=0 if result.hedged is None else int(result.hedged.sum()),
        wasted_tokens=result.wasted_tokens,
        abandoned=count[ABANDONED],
        asked_again=0 if result.asked is None else int((result.asked - 1).sum()),
        preemptions=int(instances["preemptions"].sum()),
        allocation_failures=int(instances["allocation_failures"].sum()),
        input_tokens=int(instances["input_tokens"].sum()) - prefill_tokens(table, result),
        output_tokens=int(instances["output_tokens"].sum()),
        duration_us=result.duration_us,
        ttft=everybody.ttft,
        e2e=everybody.e2e,
        itl=itl,
        longest_stall_ms=between.longest_us / US_PER_MS,
        tpot=everybody.tpot,
        scheduling_delay=known(result.scheduling_delay_us),
        classes=classes,
        ttft_in_time=everybody.ttft_in_time,
        goodput=everybody.goodput,
        hit_rates=hit_rates(result, compat),
        peak_kv_blocks=int(instances["peak_blocks"].max()),
        peak_kv_share=float(np.max(instances["peak_blocks"] / blocks)),
        jain_output_tokens=_jain_output_tokens(table, completed),
        anomalies=find_anomalies(scenario, table, result, compat),
        saturation=saturation(scenario, table, result),
        raw=raw_metrics(result),
        handovers=handover_metrics(result),
        drafts=draft_metrics(scenario, result),
        adapters=adapter_metrics(table, result),
        client_side=client_side(table, result),
        fleet=fleet_metrics(result),
    )


def class_labels(slo_names: Sequence[str]) -> tuple[list[str], NDArray[np.int16]]:
    """The names under which classes are reported, in alphabetical order, and [classes] the number there of each."""
    named = [class_label(name) for name in slo_names]
    labels = sorted(set(named))
    return labels, np.array([labels.index(name) for name in named], np.int16)


def _class_metrics(
    scenario: Scenario, table: RequestTable, result: ResultTable, member: Mask, good: Mask | None, itl: Distribution
) -> ClassMetrics:
    several = member & (result.status == COMPLETED) & (table.output_tokens > 1)
    return ClassMetrics(
        ttft=known(result.ttft_us[member]),
        e2e=known(result.e2e_us[member]),
        tpot=distribution(tpot_us(table, result)[several]),
        itl=itl,
        ttft_in_time=ttft_attainment(scenario, table, result, member),
        goodput=None if good is None else _goodput(result, good, member),
    )


def _goodput(result: ResultTable, good: Mask, among: Mask) -> Goodput:
    found = attainment(result, good, result.status == COMPLETED, among)
    return Goodput(found, per_s(found.met, result.duration_us))


def _jain_output_tokens(table: RequestTable, completed: Mask) -> float:
    """Over the tenants that have a request, served or not."""
    if not completed.any():
        return 0.0
    tokens = np.bincount(table.tenant, weights=completed * table.output_tokens)
    return jain_index(tokens[np.bincount(table.tenant) > 0])


def _in_time(found: Attainment) -> dict[str, float]:
    """First tokens in time, of all that were offered and of those that got one."""
    return {"ttft_in_time_share": found.of_offered, "ttft_in_time_share_of_answered": found.of_answered}
