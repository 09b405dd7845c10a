"""One router: what the gateway of `blis serve` decides over HTTP is what it decides in a simulation of what came."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import pytest
from starlette.testclient import TestClient

from blis.engine.run import simulate
from blis.evaluation.itl import expand_gaps
from blis.policies.bundle import load_bundle
from blis.scenario import apply_bundle, load_scenario
from blis.serve.app import make_app
from blis.serve.lengths import Lengths
from blis.serve.senders import CLASS_HEADER, TENANT_HEADER
from blis.serve.service import Service, make_service
from blis.serve.words import Words
from blis.tables.records import REJECTED
from blis.workload.assemble import assemble
from blis.workload.content.tree import intern_sequences, token_spans
from tests.places import CONF

CLUSTER = load_scenario(CONF / "cluster" / "h100x4.yaml")
POLICIES = {path.stem: apply_bundle(CLUSTER, load_bundle(path)) for path in sorted((CONF / "policy").glob("*.yaml"))}
SERVED = [name for name, one in POLICIES.items() if not (one.cluster.autoscaling.any or one.apart)]
FEW = ("llm-d-default", "power-of-two", "sticky-until-saturated")
REQUESTS = 120
CLASSES = ("", "critical", "batch")


def noted(service: Service) -> list[tuple[Any, ...]]:
    """A list that what comes is written to: prompt, answer, sender, ticket."""
    live, found = service.fleet.live, []

    def submit(prompt, answer, arrival_us, **sender):
        ticket = type(live).submit(live, prompt, answer, arrival_us, **sender)
        found.append((prompt.tolist(), answer.tolist(), sender, ticket))
        return ticket

    live.submit = submit
    return found


def ask(http: TestClient, number: int) -> int:
    """One request of many that share beginnings; returns its status."""
    rng = Random(number)
    prompt = [rng.randrange(3)] * rng.choice([40, 200, 700]) + [10 + number] * rng.choice([1, 30])
    body = {"prompt": prompt, "max_tokens": rng.choice([1, 5, 60]), "ignore_eos": True, "stream": rng.random() < 0.5}
    headers = {CLASS_HEADER: rng.choice(CLASSES), TENANT_HEADER: rng.choice(["", "a", "b"])}
    return http.post("/v1/completions", json=body, headers=headers).status_code


@pytest.mark.parametrize(
    "policy", [pytest.param(name, marks=() if name in FEW else pytest.mark.slow) for name in SERVED]
)
def test_what_is_served_is_what_is_simulated(policy: str):
    scenario = POLICIES[policy]
    service = make_service(scenario, "m", 20.0, Lengths(), Words())
    came = noted(service)
    with TestClient(make_app(service)) as http, ThreadPoolExecutor(12) as clients:
        statuses = list(clients.map(lambda number: ask(http, number), range(REQUESTS)))
    prompts, answers, senders, tickets = zip(*came, strict=True)
    tenants = list(dict.fromkeys(["", *(sender["tenant"] for sender in senders)]))
    table = assemble(
        intern_sequences(
            [token_spans([*p, *a]) for p, a in zip(prompts, answers, strict=True)], list(map(len, prompts))
        ),
        arrival_us=[ticket.arrival_us for ticket in tickets],
        input_tokens=list(map(len, prompts)),
        output_tokens=list(map(len, answers)),
        slo_class=[sender["slo_class"] for sender in senders],
        slo_names=service.fleet.live.classes,
        tenant=[tenants.index(sender["tenant"]) for sender in senders],
        tenant_names=tenants,
    )
    want = simulate(scenario, table)
    assert len(tickets) == REQUESTS and statuses.count(200) > REQUESTS // 4
    assert [ticket.status for ticket in tickets] == want.status.tolist()
    for row, ticket in enumerate(tickets):
        if ticket.status == REJECTED:
            continue
        assert (ticket.instance, ticket.cached_tokens) == (want.instance[row], want.cached_tokens[row])
        assert ticket.token_us[0] - ticket.arrival_us == want.ttft_us[row]
        assert [b - a for a, b in zip(ticket.token_us, ticket.token_us[1:], strict=False)] == expand_gaps(want, row)
