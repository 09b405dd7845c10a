"""`python -m blis.warm`: compile the kernels once and leave them in the cache, so that runs start at once.

`--list FILE` writes where kernels stand, for a Makefile to know when to call this again.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from blis.api import simulate
from blis.config import Instance, LatencyModel, Scenario
from blis.engine.run import run
from blis.evaluation.law_kernels import judge
from blis.files import write_text
from blis.workload.assemble import table_from_tokens


def main(arguments: Sequence[str] | None = None) -> None:
    """Compile, or load from the cache, and say which on stderr."""
    parser = argparse.ArgumentParser(prog="python -m blis.warm", description="Compile the kernels.")
    parser.add_argument("--list", metavar="FILE", help="write the files in which kernels stand, as KERNEL_SOURCES")
    options = parser.parse_args(arguments)
    start = time.perf_counter()
    scenario = Scenario(instance=Instance(latency_model=LatencyModel(beta=(1.0, 0.0, 0.0))))
    simulate(scenario, table_from_tokens([0], [[1]], [[2]]))
    word = "loaded from the cache" if run.from_disk and judge.from_disk else "compiled"
    print(f"kernels {word} in {time.perf_counter() - start:.1f} s", file=sys.stderr)
    if options.list:
        write_text(options.list, f"KERNEL_SOURCES := {' '.join(map(_shortest, sorted({*run.files, *judge.files})))}\n")


def _shortest(file: str) -> str:
    """A path as it is seen from here, if it is below."""
    path = Path(file)
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


if __name__ == "__main__":
    main()
