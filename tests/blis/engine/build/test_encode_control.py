"""Policies become numbers: weights and parameters."""

from __future__ import annotations

from blis.config import Admission, Compat, Routing, Scorer
from blis.engine.build.encode_control import encode_control
from blis.engine.observe import NOTHING, Observe
from blis.engine.run import simulate
from tests.blis.engine.plain_times import deployment, requests


def test_weights_are_shares():
    for scale in (1, 8):
        routing = Routing("weighted", scorers=(Scorer("load-balance", 3 * scale), Scorer("kv-utilization", scale)))
        result = simulate(deployment(routing=routing), requests([0, 0], 9), observe=Observe(decisions=True))
        assert result.decisions["score"][:, 0].tolist() == [1.0, 0.5 * 0.75 + 0.25]


def test_scorers_have_parameters_of_their_own():
    busy = Scorer("active-requests", 1, {"max_busy_score": 0.5})
    aware = Scorer("load-aware", 1, {"threshold": 4})
    for scorers in ((busy, aware), (aware, busy)):
        routing = Routing("weighted", scorers=scorers, tie_break="first")
        result = simulate(deployment(2, routing=routing), requests([0, 0, 0], 9), observe=Observe(decisions=True))
        # in flight 0 and 0, 1 and 0, 1 and 1 requests, on their way to the queue
        assert result.decisions["score"].tolist() == [[0.75, 0.75], [0.25, 0.75], [0.25, 0.25]]


def test_the_original_knows_the_precise_prefix_cache_of_its_days():
    table = requests([0, 5000], 1, [range(16), [*range(8), *range(900, 908)]])
    for compat, scores in ((Compat(), [0.5, 0.0]), (Compat.original(), [1.0, 0.0])):
        routing = Routing("weighted", scorers=(Scorer("precise-prefix-cache", 1),), tie_break="first")
        result = simulate(deployment(2, routing=routing), table, compat, observe=Observe(decisions=True))
        assert result.decisions["score"][1].tolist() == scores


def test_parameters_of_a_template_come_in_their_declared_order():
    admission = Admission("queue-depth", parameters={"max_tenant_in_flight": 7, "max_queued": 3})
    _, arrays = encode_control(deployment(admission=admission), requests([0]), Compat(), NOTHING)
    assert arrays["params"][:2].tolist() == [3, 7]
