"""Whoever is given up leaves no trace, wherever it was: random requests, given up at random."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from blis.engine.live.live import Live
from tests.laws.live_cases import SMALL, live_case, sent


@pytest.mark.parametrize("first", [0, 150])
def test_nothing_is_left_of_who_is_given_up(first):
    cases = 0
    for seed in range(first, first + 150):
        case = live_case(seed)
        if case is None:
            continue
        (scenario, table), rng = case, Random(seed)
        live, tickets = Live(scenario, table.slo_names, SMALL), []
        for row, arrival_us in enumerate(table.arrival_us.tolist()):
            live.advance(max(live.now_us, arrival_us))
            table = replace(table, arrival_us=table.arrival_us.clip(live.now_us))
            tickets.append(sent(live, table, row))
            live.advance(live.now_us + rng.choice([0, 1, 30, 200]))
            if rng.random() < 0.7:
                live.give_up(rng.choice(tickets))
        for ticket in tickets:
            live.advance(live.now_us + 7)
            live.give_up(ticket)
        live.advance(2**61)
        cases += 1
        waiting = int(live.arrays.cluster.waiting)
        assert len(live) == waiting  # at a gateway that lets nobody through
        instances = live.arrays.instances
        for field in ("used_blocks", "batch_size", "queue_depth", "pending", "decoding", "in_flight_tokens"):
            assert (instances[field] == 0).all(), (seed, field)
        assert (live.arrays.nodes.held == 0).all() and (live.arrays.nodes.full == 0).all()
    assert cases > 10
