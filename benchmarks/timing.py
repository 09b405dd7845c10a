"""How things are timed here: best of several runs, because a busy machine only ever adds."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parent.parent


def best_seconds(work: Callable[[], object], budget_s: float = 0.5) -> float:
    """The shortest of the runs that fit in the budget, at least three."""
    times: list[float] = []
    while len(times) < 3 or sum(times) < budget_s:
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def thread_speedup(work: Callable[[], object], threads: int = 2, jobs: int = 40) -> float:
    """Wall time of `jobs` runs on one thread over that on several, each the best of five, taken in turns."""

    def wall_s(workers: int) -> float:
        with ThreadPoolExecutor(workers) as pool:
            start = time.perf_counter()
            for _ in pool.map(lambda _: work(), range(jobs)):
                pass
            return time.perf_counter() - start

    rounds = [(wall_s(1), wall_s(threads)) for _ in range(5)]
    return min(one for one, _ in rounds) / min(several for _, several in rounds)


def peak_megabytes(work: Callable[[], object]) -> int:
    """Resident memory at the highest point of some work, beyond what was there before (Linux)."""
    before_kb = _memory_kb("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # forget earlier peaks
    work()
    return (_memory_kb("VmHWM") - before_kb) // 1024


def _memory_kb(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))


def python_output(code: str, cwd: Path = ROOT, **environment: str) -> str:
    """What a fresh interpreter prints for some code."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, env=os.environ | environment, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
