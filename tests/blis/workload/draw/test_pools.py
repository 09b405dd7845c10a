from zlib import crc32

import numpy as np

from blis.workload.draw import pools
from blis.workload.draw.pools import pool_seed
from blis.workload.draw.streams import stream

POOLS = (pools.SEARCH_POOL, pools.SELECTION_POOL, pools.REPORT_POOL, pools.SATURATION_POOL)


def test_a_seed_follows_the_published_rule():
    sequence = np.random.SeedSequence([42, crc32(b"pool/report")], spawn_key=(3,))
    assert pool_seed(42, "pool/report", 3) == sequence.generate_state(1, np.uint64)[0]
    assert isinstance(pool_seed(42, "pool/report", 3), int)


def test_pools_and_tables_and_workload_seeds_do_not_meet():
    seeds = [pool_seed(seed, pool, i) for seed in (0, 1) for pool in POOLS for i in range(50)]
    assert len(set(seeds)) == len(seeds)


def test_streams_are_known_by_name_and_seed():
    draws = {(seed, name): stream(seed, name).random() for seed in (0, 2**64 - 1) for name in ("a", "b")}
    assert len(set(draws.values())) == 4
    assert stream(0, "a").random() == draws[0, "a"]
