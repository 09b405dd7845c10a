"""`python -m blis.warm`: compile the kernels once and leave them in the cache, so that runs start at once."""

from __future__ import annotations

import sys
import time

from blis.config import Compat, Instance, LatencyModel, Scenario
from blis.engine.build.state import encode
from blis.engine.run import run
from blis.workload.assemble import table_from_tokens


def main() -> None:
    """Compile, or load from the cache, and say which on stderr."""
    start = time.perf_counter()
    scenario = Scenario(instance=Instance(latency_model=LatencyModel(beta=(1.0, 0.0, 0.0))))
    run(encode(scenario, table_from_tokens([0], [[1]], [[2]]), Compat()).arrays)
    word = "loaded from the cache" if run.from_disk else "compiled"
    print(f"kernels {word} in {time.perf_counter() - start:.1f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
