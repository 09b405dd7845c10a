"""Seeds of request tables, in pools that never overlap: what a search saw is not what it is judged on."""

from __future__ import annotations

from zlib import crc32

import numpy as np

SEARCH_POOL = "pool/search"
SELECTION_POOL = "pool/selection"
REPORT_POOL = "pool/report"
SATURATION_POOL = "pool/saturation"
RANKING_POOL = "pool/ranking"


def pool_seed(workload_seed: int, pool: str, i: int) -> int:
    """The seed of table `i` (from 0) in a named pool, a number below 2**64.

    It depends on `workload.seed` alone, so searches with other driver seeds share their tables.
    Source: default-problem.md section 3.
    """
    sequence = np.random.SeedSequence([workload_seed, crc32(pool.encode())], spawn_key=(i,))
    return int(sequence.generate_state(1, np.uint64)[0])
