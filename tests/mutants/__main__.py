"""`python -m tests.mutants`: put every listed fault into the code, one at a time, and see whether the tests notice.

Takes minutes to hours: not a test, but a test of the tests. Exit status 1 if a mutant survives.
"""

from __future__ import annotations

import argparse
import sys

from tests.mutants import Mutant
from tests.mutants.runner import areas, run_all


def main() -> int:
    """Run and report; the exit status."""
    lists = areas()
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description="Deliberate faults against the tests.")
    parser.add_argument("--only", metavar="AREA", choices=lists, action="append", help=f"one of: {', '.join(lists)}")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="copies of the tree that work side by side")
    options = parser.parse_args()
    chosen = [mutant for name in options.only or lists for mutant in lists[name]]
    runnable = [mutant for mutant in chosen if not mutant.equal]
    survivors = run_all(runnable, options.jobs, _tell)
    found = len(runnable) - len(survivors)
    print(f"{found} of {len(runnable)} found ({found / max(len(runnable), 1):.1%})", end="")
    print(f"; {len(chosen) - len(runnable)} that nobody can tell were not run")
    return 1 if survivors else 0


def _tell(mutant: Mutant, found: bool) -> None:
    print(f"{'found   ' if found else 'SURVIVED'}  {mutant.file}: {mutant.why}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
