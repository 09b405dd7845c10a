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


def test_parameters_of_a_template_come_in_their_declared_order():
    admission = Admission("queue-depth", parameters={"max_tenant_in_flight": 7, "max_queued": 3})
    _, arrays = encode_control(deployment(admission=admission), requests([0]), Compat(), NOTHING)
    assert arrays["params"][:2].tolist() == [3, 7]
