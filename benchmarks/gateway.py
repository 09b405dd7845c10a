"""`python -m benchmarks.gateway`: the gateway beside nginx before the same four backends, and both beside no proxy.

Everything is on loopback, on the same cores: backends, load, proxies take CPU time from each other, so that figures
are of use beside each other only, and a proxy that takes less CPU time looks better than its own work says. The
backends' delays are known and equal; targets take turns. It ends by itself, after some minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.proxies import Target, backends, proxy
from benchmarks.timing import ROOT, table

TARGETS = ("direct", "nginx", "gateway")
CLIENTS = (1, 64, 512, 4096)
QUANTILES = (0.5, 0.95, 0.99)

#: Connections that are held open, for so long, beside so many clients that work.
HELD, HELD_S, WORKING = 10_000, 20.0, 8

#: A soak asks with so many clients, and looks at memory each so many answers.
SOAK_CLIENTS, SOAK_LOOK = 64, 10_000


@dataclass
class Seen:
    """What the rounds of one load have seen at one target."""

    took_s: float = 0.0
    cpu_s: float = 0.0
    errors: Counter[str] = field(default_factory=Counter)
    ttft_us: list[int] = field(default_factory=list)
    e2e_us: list[int] = field(default_factory=list)

    def add(self, round_: dict[str, Any], cpu_s: float) -> None:
        """One more round."""
        self.took_s += round_["took_s"]
        self.cpu_s += cpu_s
        self.errors.update(round_["errors"])
        self.ttft_us += round_["ttft_us"]
        self.e2e_us += round_["e2e_us"]

    def quantiles_ms(self, which: str) -> np.ndarray:
        """p50, p95 and p99, shape (3,); NaN if nothing was answered."""
        times = getattr(self, which)
        return np.quantile(times, QUANTILES) / 1e3 if times else np.full(len(QUANTILES), np.nan)


@contextmanager
def generator(target: Target, *flags: str) -> Iterator[subprocess.Popen[str]]:
    """A process that loads a target; it prints lines of JSON."""
    command = [sys.executable, "-m", "benchmarks.load", "--ports", ",".join(map(str, target.ports)), *flags]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def lines(process: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    """What a generator says, as it says it."""
    assert process.stdout
    return map(json.loads, process.stdout)


def warmed(target: Target) -> Target:
    """The same, after it has answered once: a gateway may have to compile its kernels."""
    loaded(target, 1, 1.0, "--requests", "1")
    return target


def loaded(target: Target, clients: int, seconds: float, *flags: str) -> tuple[dict[str, Any], float]:
    """One round: what the generator saw, and the CPU time that the target took."""
    before_s = target.cpu_s()
    with generator(target, "--clients", str(clients), "--seconds", str(seconds), *flags) as process:
        *_, last = lines(process)
    return last, target.cpu_s() - before_s


def side_by_side(targets: list[Target], options: argparse.Namespace) -> str:
    """Every number of clients, whole and streaming, the targets in turn."""
    rows = []
    ramp_s = (options.ttft_ms + options.itl_ms * (options.tokens - 1)) / 1e3
    for stream in (False, True):
        for clients in options.clients:
            seen = {target.name: Seen() for target in targets}
            for number in range(options.rounds):
                for target in targets[:: 1 if number % 2 == 0 else -1]:
                    flags = ["--tokens", str(options.tokens), "--ramp", str(ramp_s), *(["--stream"] if stream else [])]
                    seen[target.name].add(*loaded(target, clients, options.seconds, *flags))
            rows += [row(name, clients, stream, each, seen.get("direct")) for name, each in seen.items()]
            print(f"{clients} clients, {'streaming' if stream else 'whole'}: done", file=sys.stderr, flush=True)
    return table(["answers", "clients", "to", "requests/s", "TTFT ms", "E2E ms", "added ms", "CPU ms", "errors"], rows)


def row(name: str, clients: int, stream: bool, seen: Seen, direct: Seen | None) -> list[str]:
    """A line of the table; what is added is of the TTFT of a stream, of the E2E of a whole answer."""
    which = "ttft_us" if stream else "e2e_us"
    answered = len(seen.e2e_us)
    added = shown(seen.quantiles_ms(which) - direct.quantiles_ms(which)) if direct and direct is not seen else ""
    return [
        "streaming" if stream else "whole",
        str(clients),
        name,
        f"{answered / seen.took_s:.0f}",
        shown(seen.quantiles_ms("ttft_us")) if stream else "",
        shown(seen.quantiles_ms("e2e_us")),
        added,
        f"{seen.cpu_s / answered * 1e3:.2f}" if seen.cpu_s and answered else "",
        ", ".join(f"{what}: {count}" for what, count in sorted(seen.errors.items())) or "0",
    ]


def shown(milliseconds: np.ndarray) -> str:
    """Quantiles in one cell."""
    return " / ".join(f"{value:.1f}" for value in milliseconds)


def established(port: int) -> tuple[int, int]:
    """Connections to a port of this machine as its two ends see them: the server's, the clients'."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    ends = [(row[1], row[2]) for row in rows if row[3] == "01"]
    wanted = f":{port:04X}"
    return sum(here.endswith(wanted) for here, _ in ends), sum(there.endswith(wanted) for _, there in ends)


def holding(targets: list[Target], options: argparse.Namespace) -> str:
    """Connections that were used once and are kept open, and what those who work feel of them."""
    rows = []
    for target in targets:
        alone = Seen()
        alone.add(*loaded(target, WORKING, options.held_s / 4))
        beside = Seen()
        flags = ("--hold", "--clients", str(options.held), "--seconds", str(options.held_s))
        with generator(target, *flags) as process:
            said = lines(process)
            opened = next(said)["open"]
            first = established(target.ports[0])
            beside.add(*loaded(target, WORKING, options.held_s / 4))
            left = next(said)["open"]
        rows.append(
            [
                *(target.name, str(options.held), str(opened), "{} / {}".format(*first), str(left)),
                *(shown(each.quantiles_ms("e2e_us")) for each in (alone, beside)),
                str(beside.errors.total()),
            ]
        )
    later = f"open {options.held_s:g} s later"
    ends = "sockets of server / clients"
    return table(["held by", "wanted", "open", ends, later, "E2E ms without", "E2E ms beside", "errors"], rows)


def soak(target: Target, options: argparse.Namespace) -> str:
    """A long load, and the target's memory meanwhile."""
    flags = ("--clients", str(SOAK_CLIENTS), "--requests", str(options.soak), "--report", str(SOAK_LOOK))
    looks = [(0, target.rss_mb())]
    with generator(target, *flags, "--seconds", str(options.soak_s), "--tokens", str(options.tokens)) as process:
        for said in lines(process):
            if "over" in said:
                looks.append((said["over"], target.rss_mb()))
                print(f"{said['over']} answers: {looks[-1][1]:.0f} MB", file=sys.stderr, flush=True)
    shown_looks = looks[:: max(1, len(looks) // 20)]
    errors = ", ".join(f"{what}: {count}" for what, count in said["errors"].items()) or "none"
    rate = len(said["e2e_us"]) / said["took_s"]
    rows = [[str(over), f"{megabytes:.1f}"] for over, megabytes in shown_looks]
    return f"{len(said['e2e_us'])} answers at {rate:.0f} requests/s; errors: {errors}\n\n" + table(
        ["requests", f"MB of {target.name}"], rows
    )


def study(options: argparse.Namespace) -> Iterator[str]:
    """The parts of what is printed."""
    with ExitStack() as stack:
        behind = stack.enter_context(backends(options.ttft_ms, options.itl_ms, options.tokens))
        tried = {name: stack.enter_context(proxy(name, behind, options.policy)) for name in options.targets}
        yield from (f"{name}: left out, {why}" for name, why in tried.items() if isinstance(why, str))
        targets = [warmed(target) for target in tried.values() if isinstance(target, Target)]
        if options.soak:
            yield from (soak(target, options) for target in targets if target.process)
            return
        yield side_by_side(targets, options)
        if options.held:
            yield holding([target for target in targets if target.process], options)


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gateway", description=__doc__)
    parser.add_argument("--targets", nargs="+", choices=TARGETS, default=TARGETS)
    parser.add_argument("--clients", nargs="+", type=int, default=CLIENTS)
    parser.add_argument("--seconds", type=float, default=5.0, help="of one round, and what is then under way")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--ttft-ms", type=float, default=100.0, help="of the backends")
    parser.add_argument("--itl-ms", type=float, default=10.0)
    parser.add_argument("--tokens", type=int, default=8)
    parser.add_argument("--policy", type=Path, default=ROOT / "conf/policy/llm-d-default.yaml")
    parser.add_argument("--held", type=int, default=HELD, help="connections held open; 0: leave that out")
    parser.add_argument("--held-s", type=float, default=HELD_S)
    parser.add_argument("--soak", type=int, default=0, metavar="N", help="only so many requests, and memory meanwhile")
    parser.add_argument("--soak-s", type=float, default=3600.0, help="at most so long")
    options = parser.parse_args(arguments)
    start_s = time.monotonic()
    print(f"{os.cpu_count()} cores for all; a backend: {options.ttft_ms:g} ms to the first of {options.tokens} tokens,")
    print(f"{options.itl_ms:g} ms to each of the others; times as p50 / p95 / p99\n", flush=True)
    for part in study(options):
        print(part, end="\n\n", flush=True)
    print(f"took {time.monotonic() - start_s:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
