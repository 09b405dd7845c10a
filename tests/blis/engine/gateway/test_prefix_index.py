"""The run-wise LRU against a plain one, block by block."""

from collections import OrderedDict
from dataclasses import replace
from random import Random

import pytest

from blis.config import Compat, Routing, Scorer
from blis.engine import boundary
from blis.engine.build.state import encode
from blis.engine.gateway import facts, prefix_index
from blis.engine.gateway.records import DECODE_PROFILE
from blis.tables.limits import within_limits
from tests.kernels import callable_kernel
from tests.laws.random_cases import random_case
from tests.oracle import expand

match, record = callable_kernel(facts.match), callable_kernel(prefix_index.record)
reset = callable_kernel(boundary.reset)


class PlainIndex:
    def __init__(self, capacity: int, root_first: bool) -> None:
        self.capacity, self.root_first = capacity, root_first
        self.blocks: OrderedDict[tuple, None] = OrderedDict()

    def matched(self, chain: list[tuple]) -> int:
        return next((k for k, block in enumerate(chain) if block not in self.blocks), len(chain))

    def record(self, chain: list[tuple]) -> None:
        for block in chain if self.root_first else reversed(chain):
            if block not in self.blocks and len(self.blocks) == self.capacity:
                self.blocks.popitem(last=False)
            self.blocks[block] = None
            self.blocks.move_to_end(block)


@pytest.mark.parametrize("root_first", [False, True])
@pytest.mark.parametrize("capacity", [1, 2, 3, 5, 9, 20, 100])
@pytest.mark.parametrize(("block_tokens", "max_tokens"), [(0, 0), (1, 0), (3, 10), (64, 0)])
def test_equals_a_plain_lru(block_tokens, max_tokens, capacity, root_first):
    for seed in range(20):
        case = random_case(Random(seed), max_requests=30)
        routing = Routing(
            policy="weighted",
            scorers=(Scorer("prefix-affinity", 1.0),),
            prefix_index_blocks=capacity,
            prefix_index_block_tokens=block_tokens,
            prefix_index_max_tokens=max_tokens,
        )
        scenario = replace(case.scenario, cluster=replace(case.scenario.cluster, routing=routing))
        w = encode(scenario, case.table, Compat(index_root_first=root_first)).arrays
        reset(w)
        plain = PlainIndex(capacity, root_first)
        size = block_tokens or scenario.replicas[0].instance.kv.block_size_tokens
        longest = case.scenario.instance.engine.truncate_prompt_tokens
        for r, request in enumerate(expand(within_limits(case.table, longest, 0))):
            known = min(len(request.prompt), max_tokens or len(request.prompt))
            chain = [request.prompt[:end] for end in range(size, known + 1, size)]
            match(w, r, DECODE_PROFILE)
            assert w.views[0].matched_blocks == plain.matched(chain)
            record(w, 0, r)
            plain.record(chain)
            assert w.instances[0].index_used == len(plain.blocks)
