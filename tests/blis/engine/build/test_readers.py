"""Who reads what, and when: each fact is there for the decision that needs it. A step takes 100 µs."""

from __future__ import annotations

from blis.config import Admission, Compat, FlowControl, LatencyModel, Routing, Scorer, Signal, Signals
from blis.engine.build.encode_control import encode_control
from blis.engine.build.readers import kept_fields
from blis.engine.build.state import encode
from blis.engine.observe import Observe
from blis.engine.run import simulate
from tests.blis.engine.plain_times import STEP_US, deployment, requests

KEEP = Observe(decisions=True)


def by(*scorers: tuple[str, float], **more) -> Routing:
    return Routing("weighted", scorers=tuple(Scorer(*scorer) for scorer in scorers), **more)


def test_a_grid_is_read_at_its_instant_even_if_an_event_between_has_no_use_for_it():
    # Routing takes 30 µs, and so does the way to the queue. 1 joins it at 105, while the step of 60 runs. At 110 the
    # last admission looks at requests in flight, live, so that the instance goes on past 105. At 120 request 2 is
    # routed by who waited at 100: nobody.
    engine = {"latency_model": LatencyModel(alpha=(30, 0, 0), beta=(STEP_US, 0, 0))}
    for age_us, waiting in ((100, [0, 0, 0, 0]), (0, [0, 0, 1, 1])):
        routing = by(("queue-waiting", 1), latency_us=30, signals=Signals(queue_depth=Signal(age_us)))
        scenario = deployment(admission=Admission("concurrency-shed"), routing=routing, engine=engine)
        decisions = simulate(scenario, requests([0, 45, 90, 110], 9), observe=Observe(decisions=True)).decisions
        assert decisions["queue_depth"][:, 0].tolist() == waiting


def test_behind_a_gateway_the_router_is_read_for_by_looks():
    flow = FlowControl(enabled=True, detector="never")
    assert simulate(deployment(3, flow_control=flow), requests([0, 1, 2], 9)).instance.tolist() == [0, 1, 2]


def test_a_snapshot_that_is_read_lazily_makes_nothing_else_lazy():
    routing = by(("kv-utilization", 1), ("queue-waiting", 1), snapshot_refresh_us=70)
    arrays = encode(deployment(routing=routing), requests([0]), Compat()).arrays
    assert sorted(zip(arrays.signals.age_us.tolist(), arrays.signals.lazy.tolist(), strict=True)) == [
        (0, 0),  # waiting requests
        (0, 0),  # the end of the run
        (70, 1),
    ]


def test_kept_decisions_show_what_routing_reads():
    def fields(routing: Routing) -> set[str]:
        config, _ = encode_control(deployment(routing=routing), requests([0]), Compat(), KEEP)
        return set(kept_fields(config))

    always = fields(Routing("round-robin"))
    assert {"turn", "eligible", "queue_depth", "batch_size", "pending", "score"} <= always
    assert fields(by(("prefix-affinity", 1))) - always == {"matched_blocks"}
    assert fields(by(("token-load", 1))) - always == {"in_flight", "in_flight_tokens"}
    assert fields(Routing("prefix-affinity")) - always == {"home"}
    assert fields(Routing("session-affinity")) - always == {"session_home"}
