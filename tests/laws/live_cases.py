"""Random cases sent to a live run one by one, at random looks in between, and held against a whole run of the table."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
from numpy.typing import NDArray

from blis.config import Scenario
from blis.engine.live.live import Live, Ticket
from blis.engine.live.rooms import Limits
from blis.engine.run import simulate
from blis.evaluation.itl import expand_gaps
from blis.tables.limits import within_limits
from blis.tables.placement import Placement
from blis.tables.records import COMPLETED, DROPPED, REJECTED
from blis.tables.requests import RequestTable
from blis.workload.assemble import default_uniform
from tests.laws.random_cases import random_case

SMALL = Limits(requests=64, nodes=4096, tokens=2000, tenants=4, sessions=8)
END_US = 2**61


def live_case(seed: int) -> tuple[Scenario, RequestTable] | None:
    """A scenario and requests as they may come over HTTP: none follows another, all get an answer; None: no such."""
    case = random_case(Random(seed))
    if case.table.closed or (case.table.output_tokens < 1).any():
        return None
    scenario = replace(case.scenario, horizon_us=None)
    uniform = default_uniform(len(case.table))
    _, first, tenant = np.unique(case.table.tenant, return_index=True, return_inverse=True)
    tenant = np.argsort(np.argsort(first))[tenant].astype(np.int32)  # numbered as they come: turns go by number
    table = replace(case.table, placement=None, placements=(Placement(),), uniform=uniform, tenant=tenant, cache={})
    return scenario, within_limits(table, *scenario.instance.engine.limits)


def tokens_of(table: RequestTable, row: int) -> NDArray[np.int64]:
    """Tokens of a row, prompt and answer: equal in two rows where their content is."""
    nodes = table.path_node[table.path_offset[row] : table.path_offset[row + 1]]
    ends = table.path_end_token[table.path_offset[row] : table.path_offset[row + 1]]
    starts = np.concatenate(([0], ends[:-1]))
    parts = [node * 10**6 + np.arange(*span) for node, *span in zip(nodes.tolist(), starts, ends, strict=True)]
    return np.concatenate(parts)[: table.input_tokens[row] + table.output_tokens[row]].astype(np.int64)


def sent(live: Live, table: RequestTable, row: int) -> Ticket:
    """The request of a row comes."""
    tokens, prompt = tokens_of(table, row), int(table.input_tokens[row])
    session = int(table.session[row])
    ticket = live.submit(
        tokens[:prompt],
        tokens[prompt:],
        int(table.arrival_us[row]),
        int(table.slo_class[row]),
        table.tenant_names[table.tenant[row]],
        table.session_names[session] if session >= 0 else "",
        float(table.uniform[row]),
    )
    assert ticket is not None
    return ticket


def compare_live(seed: int) -> bool:
    """Assert that a live run gives what a whole run gives; False where the seed has no such case."""
    case = live_case(seed)
    if case is None:
        return False
    (scenario, table), rng = case, Random(seed)
    live = Live(scenario, table.slo_names, SMALL)
    tickets = []
    for row, arrival_us in enumerate(table.arrival_us.tolist()):
        for _ in range(rng.choice([0, 0, 1, 3])):
            live.advance(rng.randint(live.now_us, arrival_us))
        tickets.append(sent(live, table, row))
    while len(live) and live.next_us < END_US and rng.random() < 0.9:
        live.advance(live.next_us + rng.choice([0, 1, 5, 40]))
    live.advance(END_US)
    _assert_equal(tickets, simulate(scenario, table))
    return True


def _assert_equal(tickets, want) -> None:
    for row, ticket in enumerate(tickets):
        status = want.status[row]
        assert ticket.status == (status if status in (COMPLETED, REJECTED, DROPPED) else None)
        if status == COMPLETED:
            assert ticket.instance == want.instance[row]
            assert ticket.token_us[0] - ticket.arrival_us == want.ttft_us[row]
            assert ticket.token_us[-1] - ticket.arrival_us == want.e2e_us[row]
            assert np.diff(ticket.token_us).tolist() == expand_gaps(want, row)
            assert ticket.cached_tokens == want.cached_tokens[row]
            assert ticket.preemptions == want.preemptions[row]
        if status == REJECTED:
            assert (ticket.reason, ticket.retry_after_us) == (want.reason[row], want.retry_after_us[row])
