"""One router: what a gateway decided before real servers, the simulator decides again on the signals that it saw.

The simulator's side has a table of the requests, as any run has: its prompts are interned as those of a workload are,
and its prefix index, homes and turns are its own. Only what instances show is taken from what was recorded.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from blis.config import Compat, Scenario
from blis.engine.boundary import reset
from blis.engine.build.state import State, encode
from blis.engine.gateway.decide import decide, next_event
from blis.engine.gateway.signals import copy
from blis.engine.observe import Observe
from blis.engine.records import DONE, NONE
from blis.engine.reference import refer
from blis.engine.world import World
from blis.gateway.scenario import any_scenario, before_servers
from blis.jit import entry
from blis.policies.bundle import load_bundle
from blis.scenario import apply_bundle
from blis.serve.senders import SESSION_HEADER
from blis.workload.assemble import assemble
from blis.workload.content.tree import intern_sequences, token_spans
from tests.blis.gateway.small import cluster, post
from tests.places import CONF

SERVERS = 3
POLICIES = ("llm-d-default", "lmetric", "power-of-two", "sticky-until-saturated", "least-loaded")


@dataclass
class Recorded:
    """What a gateway saw and did, in its order."""

    prompts: list[list[int]] = field(default_factory=list)
    senders: list[dict[str, Any]] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    decided: list[tuple[int, np.ndarray]] = field(default_factory=list)  # where to, and the views of it


def recording(plane: Any) -> Recorded:
    """A record of everything that comes to a plane from now on."""
    found = Recorded()
    submit, advance = plane.submit, plane.advance

    def submitting(prompt, output_tokens, now_us, **sender):
        found.prompts.append(prompt.tolist())
        found.outputs.append(output_tokens)
        found.senders.append(sender)
        return submit(prompt, output_tokens, now_us, **sender)

    def advancing(now_us):
        passages = advance(now_us)
        found.decided += [(passage.instance, plane.views(passage)) for passage in passages]
        return passages

    plane.submit, plane.advance = submitting, advancing
    return found


@entry(World)
def _decide_again(arrays, r, row_views):
    """The simulator's decision about the next request, on these loads."""
    w = refer(arrays)
    if w.cluster.halt != DONE:
        reset(w)
        w.cluster.halt = DONE
    for i in range(w.config.instances):
        seen = row_views[i]
        instance = w.instances[i]
        instance.queue_depth = seen.queue_depth
        instance.batch_size = seen.batch_size
        instance.used_blocks = w.engines[i].blocks - seen.free_blocks
        w.views[i].pending = seen.pending
        w.views[i].in_flight = seen.in_flight
        w.views[i].in_flight_tokens = seen.in_flight_tokens
        copy(w, i, 7)
    w.cluster.unrated = w.config.instances
    while w.requests[r].instance == NONE:
        now_us, event = next_event(w)
        decide(w, now_us, event)
    return w.requests[r].instance


async def _run(policy: str) -> tuple[Recorded, Scenario]:
    bundle = CONF / "policy" / f"{policy}.yaml"
    async with cluster(SERVERS, {"ttft_s": 0.02, "itl_s": 0.002}, bundle=bundle) as (backends, made, client):
        found = recording(made.desk.plane)
        rng = np.random.default_rng(3)

        async def ask(number: int) -> None:
            await asyncio.sleep(float(rng.uniform(0, 1.5)))
            first = [int(rng.integers(4))] * int(rng.choice([20, 100, 400]))
            headers = {SESSION_HEADER: str(number % 5)} if number % 3 else {}
            answer = await post(client, headers, prompt=[*first, 100 + number], max_tokens=int(rng.integers(1, 60)))
            assert answer.status_code == 200

        async def load() -> None:
            while True:
                for backend in backends:
                    backend.waiting, backend.kv_usage = int(rng.integers(9)), float(rng.random())
                await asyncio.sleep(0.1)

        loading = asyncio.create_task(load())
        await asyncio.gather(*(ask(number) for number in range(90)))
        loading.cancel()
        blocks = [backend.blocks for backend in backends]
        scenario = before_servers(apply_bundle(any_scenario(), load_bundle(bundle)), SERVERS)
        assert made.desk.plane.arrays.engines.blocks.tolist() == blocks
    return found, scenario


def _simulator(found: Recorded, scenario: Scenario, blocks: int) -> State:
    """A run of the requests that came, about to begin."""
    sessions = list(dict.fromkeys(sender["session"] for sender in found.senders if sender["session"]))
    texts = zip(found.prompts, found.outputs, strict=True)
    rows = [[*prompt, *range(10**6 * k, 10**6 * k + n)] for k, (prompt, n) in enumerate(texts, 1)]
    table = assemble(
        intern_sequences([token_spans(row) for row in rows], list(map(len, found.prompts))),
        arrival_us=list(range(1, len(found.prompts) + 1)),
        input_tokens=list(map(len, found.prompts)),
        output_tokens=found.outputs,
        session=[sessions.index(sender["session"]) if sender["session"] else -1 for sender in found.senders],
        session_names=sessions,
    )
    table = replace(table, uniform=np.array([sender["uniform"] for sender in found.senders]))
    state = encode(scenario, table, Compat(), Observe(decisions=True))
    engines = state.arrays.engines.copy()
    engines.blocks = blocks
    state.arrays = state.arrays._replace(engines=engines)
    return state


@pytest.mark.parametrize("policy", POLICIES)
def test_the_simulator_decides_again_as_the_gateway_did(policy: str):
    found, scenario = asyncio.run(_run(policy))
    assert len(found.decided) == 90 and len({where for where, _ in found.decided}) > 1
    state = _simulator(found, scenario, 1000)
    for row, (where, views) in enumerate(found.decided):
        assert _decide_again(state.arrays, row, views) == where
        again = state.arrays.decisions[row]
        assert again.score.tolist() == views["score"].tolist()
        assert again.matched_blocks.tolist() == views["matched_blocks"].tolist()
