"""`python -m tests.laws.fuzz COUNT [FIRST_SEED]`: random scenarios, oracle against engine, one line a difference."""

from __future__ import annotations

import sys
import traceback
from random import Random

from tests.laws.against_oracle import compare
from tests.laws.guessing_cases import guessing_case
from tests.laws.random_cases import apart_case, failing_case, hedged_case, impatient_case, random_case, scaling_case
from tests.laws.random_lora import adapted_case

#: What is drawn in turns.
CASES = (
    *(random_case, impatient_case, failing_case, apart_case, scaling_case),
    *(adapted_case, guessing_case, hedged_case),
)


def main(count: int, first_seed: int) -> int:
    """Compare `count` random cases, of all kinds in turns; the number that differ."""
    failures = 0
    for seed in range(first_seed, first_seed + count):
        try:
            draw = CASES[seed % len(CASES)]
            compare(draw(Random(seed)))
        except Exception as error:
            failures += 1
            if failures <= 10:
                last = traceback.extract_tb(error.__traceback__)[-1]
                text = " ".join(str(error).split())[:300]
                print(f"seed {seed}: {type(error).__name__} at {last.filename}:{last.lineno}: {text}")
    print(f"{count} scenarios, {failures} differences")
    return failures


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0) > 0)
