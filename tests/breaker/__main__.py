"""`python -m tests.breaker`: damage checkpoints, kill searches, and see whether each is answered right.

Takes minutes: not a test, but many of them, drawn from a seed. Exit status 1 if something was answered wrong.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.breaker.damage import damaged_checkpoints
from tests.breaker.kills import killed_searches


def main() -> int:
    """Run and report; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.breaker", description="Damage and kill searches.")
    parser.add_argument("--checkpoints", type=int, default=2000, metavar="N", help="damaged ones")
    parser.add_argument("--kills", type=int, default=30, metavar="N", help="at random moments")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    options = parser.parse_args()
    wrong: list[str] = []
    with TemporaryDirectory(prefix="breaker-") as folder:
        for title, answers in (
            ("damaged checkpoints", damaged_checkpoints(Path(folder), options.checkpoints, options.seed)),
            ("killed searches", killed_searches(Path(folder), options.kills, options.seed)),
        ):
            counts: Counter[str] = Counter()
            for answer, problem in answers:
                counts[answer] += 1
                if problem:
                    wrong.append(problem)
                    print(f"WRONG  {problem}", flush=True)
            found = ", ".join(f"{count} {answer}" for answer, count in counts.most_common())
            print(f"{title}: {found or 'none'}", flush=True)
    print(f"{len(wrong)} answered wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
