"""`python -m blis.warm`: compile the kernels once and leave them in the cache, so that runs start at once.

`--live` compiles those of runs that requests join while they go on, and of the gateway. `--list FILE` writes where
kernels stand, for a Makefile to know when to call this again.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from blis.api import simulate
from blis.config import Instance, LatencyModel, Scenario
from blis.engine.live.control_plane import rehearse
from blis.engine.live.kernels import give_up, go_on
from blis.engine.live.live import Live
from blis.engine.live.rooms import Limits
from blis.engine.live.told import tell
from blis.engine.run import run
from blis.evaluation.law_kernels import judge
from blis.files import write_text
from blis.workload.assemble import table_from_tokens


def main(arguments: Sequence[str] | None = None) -> None:
    """Compile, or load from the cache, and say which on stderr."""
    parser = argparse.ArgumentParser(prog="python -m blis.warm", description="Compile the kernels.")
    parser.add_argument("--live", action="store_true", help="those of `blis serve` instead of those of a search")
    parser.add_argument("--list", metavar="FILE", help="write the files in which kernels stand, as KERNEL_SOURCES")
    options = parser.parse_args(arguments)
    start = time.perf_counter()
    scenario = Scenario(instance=Instance(latency_model=LatencyModel(beta=(1.0, 0.0, 0.0))))
    if options.live:
        _serve(scenario)
    else:
        simulate(scenario, table_from_tokens([0], [[1]], [[2]]))
    used = (go_on, give_up, tell) if options.live else (run, judge)
    word = "loaded from the cache" if all(kernel.from_disk for kernel in used) else "compiled"
    print(f"kernels {word} in {time.perf_counter() - start:.1f} s", file=sys.stderr)
    if options.list:
        write_text(options.list, f"KERNEL_SOURCES := {' '.join(map(_shortest, sorted({*run.files, *judge.files})))}\n")


def _serve(scenario: Scenario) -> None:
    """A request is served, another gives up, and one goes through the gateway."""
    live = Live(scenario, limits=Limits(requests=16, nodes=64, tokens=64))
    tickets = [live.submit(np.array([token]), np.array([3])) for token in (1, 2)]
    live.advance(1)
    for ticket in tickets[1:]:
        assert ticket is not None
        live.give_up(ticket)
    live.advance(10)
    rehearse(scenario)


def _shortest(file: str) -> str:
    """A path as it is seen from here, if it is below."""
    path = Path(file)
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


if __name__ == "__main__":
    main()
