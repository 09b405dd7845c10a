"""Searches that are killed at random moments, again and again, and resumed to the bytes of one that ran through."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

from search.saved import FILE
from tests.places import ROOT
from tests.search.small import SMALL

KEYS = {**SMALL, "tracking": "none", "driver.budget": 200, "validation.random_policies": 0}
COMMAND = [sys.executable, "-m", "search"]
CANONICAL = ("candidates.csv", "best_policy.yaml", "best_candidate.yaml", "verdict.json")

#: How a search may be ended: the first leaves it no time for anything.
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)

#: Kills of one search, at most, before it is left alone.
KILLS = 3


def killed_searches(folder: Path, n: int, seed: int) -> Iterator[tuple[str, str]]:
    """How each kill was answered, and what was wrong with the search in the end, if anything."""
    if n == 0:
        return
    rng, start = Random(seed), time.monotonic()
    subprocess.run(_command(folder / "through"), cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    seconds, expected, done = time.monotonic() - start, _canonical(folder / "through"), 0
    while done < n:
        place = folder / f"killed{done}"
        for _ in range(min(rng.randint(1, KILLS), n - done)):
            done += 1
            yield _kill(place, rng.uniform(0, seconds), rng.choice(SIGNALS)), ""
        status = subprocess.run(_command(place), cwd=ROOT, stdout=subprocess.DEVNULL, check=False).returncode
        same = status == 0 and _canonical(place) == expected
        yield "searches in the end", "" if same else f"kill {done}: exit status {status}, or other bytes"


def _kill(place: Path, after_s: float, how: int) -> str:
    """End a search some time after its start; where that met it."""
    process = subprocess.Popen(_command(place), cwd=ROOT, stdout=subprocess.DEVNULL)
    time.sleep(after_s)
    process.send_signal(how)
    process.wait()
    where = "judged" if _judged(place) else "resumable" if (place / FILE).is_file() else "just begun"
    return f"by {signal.Signals(how).name} when {where}"


def _judged(place: Path) -> bool:
    return (place / "run_info.json").is_file()


def _command(place: Path) -> list[str]:
    """Start a search, or go on with it if a generation of it is done."""
    if (place / FILE).is_file():
        return [*COMMAND, f"resume={place}", f"hydra.run.dir={place.with_name('unused')}"]
    for path in place.glob("*"):  # ended with a verdict before its first generation was
        if path.is_file():
            path.unlink()
    return [*COMMAND, *(f"{key}={value}" for key, value in KEYS.items()), f"hydra.run.dir={place}"]


def _canonical(place: Path) -> list[bytes]:
    return [(place / name).read_bytes() for name in CANONICAL]
