"""The run-wise LRU against a plain one, block by block."""

from collections import OrderedDict
from dataclasses import replace
from random import Random

import pytest

from blis.config import Compat, Routing, Scorer
from blis.engine import boundary
from blis.engine.build.state import encode
from blis.engine.gateway import prefix_index
from tests.kernels import callable_kernel
from tests.laws.random_cases import random_case

matched_blocks, record = callable_kernel(prefix_index.matched_blocks), callable_kernel(prefix_index.record)
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
def test_equals_a_plain_lru(capacity, root_first):
    for seed in range(40):
        case = random_case(Random(seed), max_requests=30)
        routing = Routing(policy="weighted", scorers=(Scorer("prefix-affinity", 1.0),), prefix_index_blocks=capacity)
        scenario = replace(case.scenario, cluster=replace(case.scenario.cluster, routing=routing))
        w = encode(scenario, case.table, Compat(index_root_first=root_first)).arrays
        reset(w)
        plain = PlainIndex(capacity, root_first)
        block_tokens = scenario.replicas[0].instance.kv.block_size_tokens
        for r in range(len(case.table)):
            chain: list[tuple] = []
            for entry in w.path[w.rows[r].path_begin : w.rows[r].path_end]:
                chain += [("node", int(entry.node), k) for k in range(int(entry.first_block), int(entry.end_block))]
            prompt_blocks = int(case.table.input_tokens[r]) // block_tokens
            chain = (chain + [("own", r, k) for k in range(len(chain), prompt_blocks)])[:prompt_blocks]
            found = matched_blocks(w, 0, r)
            assert found == plain.matched(chain)
            record(w, 0, r)
            plain.record(chain)
            assert w.instances[0].index_used == len(plain.blocks)
