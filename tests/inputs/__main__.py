"""`python -m tests.inputs`: mutate inputs of all kinds and see how each is answered.

Exit status 1 if one was answered wrongly; an input that takes longer than `SECONDS` ends the process where it stands.
"""

from __future__ import annotations

import argparse
import faulthandler
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random

from tests.inputs.kinds import ACCEPTED, KINDS, REFUSED, Answer

SECONDS = 120  # the first ones may have to compile


def answer(kind: str, seed: int, folder: Path) -> Answer:
    """How one mutated input is treated."""
    try:
        return KINDS[kind](Random(f"{kind} {seed}"), folder)
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__} at {last.filename}:{last.lineno}: {str(error)[:300]}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Try inputs, the kinds in turn, and report; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.inputs", description="Mutated inputs, each answered right?")
    parser.add_argument("--count", type=int, default=6000, metavar="N", help="inputs; default 6000")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="seed of the first; default 0")
    parser.add_argument("--only", choices=list(KINDS), action="append", help="kinds; default all")
    options = parser.parse_args(arguments)
    kinds, found, wrong = options.only or list(KINDS), Counter[tuple[str, Answer]](), 0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.count):
            kind, seed = kinds[number % len(kinds)], options.first + number // len(kinds)
            faulthandler.dump_traceback_later(SECONDS, exit=True, file=sys.__stderr__)
            told = answer(kind, seed, Path(folder))
            right = told in (ACCEPTED, REFUSED)
            if not right:
                print(f"{kind} {seed}: {told}", flush=True)
            wrong += not right
            found[kind, told if right else "wrong"] += 1
    faulthandler.cancel_dump_traceback_later()
    for kind in kinds:
        print(f"{kind}: {', '.join(f'{found[kind, told]} {told}' for told in (ACCEPTED, REFUSED, 'wrong'))}")
    print(f"{options.count} inputs, {wrong} answered wrongly")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
