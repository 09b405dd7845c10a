"""`python -m tests.laws.fuzz_yaml COUNT [FIRST_SEED]`: broken scenario and bundle files, one line a failure.

Whatever a file says, loading it gives either the thing or an InputError of one line, soon; and what loads can be
written, read back and run. Files are tried in another process, so that one that never ends is noticed.
"""

from __future__ import annotations

import queue
import subprocess
import sys
import tempfile
import threading
import traceback
import warnings
from functools import cache
from pathlib import Path
from random import Random

from blis.cli.validate import detect_kind
from blis.config import Scenario
from blis.errors import InputError
from blis.policies.bundle import bundle_digest, bundle_mapping, load_bundle
from blis.scenario import apply_bundle, load_scenario, scenario_mapping
from blis.tables.requests import RequestTable
from blis.workload.read.csv_requests import load_requests
from tests.laws.yaml_cases import random_bundle, random_scenario
from tests.laws.yaml_mutations import mutate
from tests.places import ROOT

START_S = 240  # until the first file is done: kernels may have to be compiled
FILE_S = 20
MAX_INSTANCES = 200  # of what is run; more is a large cluster, not a mistake

REQUESTS = """\
request_id,arrival_us,input_tokens,output_tokens,prefix_group,prefix_tokens,slo_class,tenant_id,session_id,requires
a,0,100,3,g,64,critical,t1,s,
b,1000,200,1,g,64,batch,t2,,
c,2000,50,5,,0,,t1,s,gpu=H100
d,2000,500,20,h,96,gold,t3,,
e,2500,120,0,h,96,background,t1,s,
f,90000,64,2,g,64,critical,t2,,
"""


def check(seed: int, folder: Path) -> str | None:
    """Try one file; what is wrong with how it was treated, None if nothing is."""
    rng = Random(seed)
    path = folder / f"{seed}.yaml"
    is_scenario = rng.random() < 0.5
    path.write_bytes(mutate(rng, random_scenario(rng) if is_scenario else random_bundle(rng)))
    try:
        detect_kind(str(path))
    except InputError as error:
        if flaw := _flaw(error):
            return flaw
    try:
        scenario = _check_scenario(path) if is_scenario else _check_bundle(path)
        if scenario.cluster.instances <= MAX_INSTANCES:
            _run(scenario, folder)
    except InputError as error:
        return _flaw(error)
    return None


def _flaw(error: InputError) -> str | None:
    text = str(error)
    if not text or len(text.splitlines()) != 1:
        return f"not one line: {text[:200]!r}"
    return f"{len(text)} letters: {text[:200]}" if len(text) > 3000 else None


def _check_scenario(path: Path) -> Scenario:
    scenario = load_scenario(path)
    if load_scenario(scenario_mapping(scenario)) != scenario:
        raise AssertionError("the scenario does not come back from its mapping")
    return scenario


def _check_bundle(path: Path) -> Scenario:
    bundle = load_bundle(path)
    if load_bundle(bundle_mapping(bundle)) != bundle:
        raise AssertionError("the bundle does not come back from its mapping")
    bundle_digest(bundle)
    return apply_bundle(_plain_scenario(), bundle)


@cache
def _plain_scenario() -> Scenario:
    latency = {"alpha": [100, 1, 10], "beta": [5000, 20, 30]}
    return load_scenario({"cluster": {"instances": 2}, "instance": {"latency_model": latency, "kv": {"blocks": 99}}})


@cache
def _requests(folder: Path) -> RequestTable:
    (folder / "requests.csv").write_text(REQUESTS)
    return load_requests(folder / "requests.csv")


def _run(scenario: Scenario, folder: Path) -> None:
    from blis.api import simulate  # loads the engine

    simulate(scenario, _requests(folder)).metrics.to_dict()


def work(first_seed: int, count: int) -> None:
    """Try files and print a line for each: its seed, and what went wrong."""
    warnings.simplefilter("error", RuntimeWarning)
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(first_seed, first_seed + count):
            try:
                flaw = check(seed, Path(folder))
            except Exception as error:
                last = traceback.extract_tb(error.__traceback__)[-1]
                flaw = f"{type(error).__name__} at {last.filename}:{last.lineno}: {' '.join(str(error).split())[:300]}"
            print(seed, flaw or "", flush=True)


def main(count: int, first_seed: int = 0) -> int:
    """Try `count` files; the number of failures, of which the first are printed."""
    failures: list[str] = []
    seed, last = first_seed, first_seed + count
    while seed < last:
        seed = _supervise(seed, last, failures)
    for failure in failures[:20]:
        print(failure)
    print(f"{count} files, {len(failures)} failures")
    return len(failures)


def _supervise(seed: int, last: int, failures: list[str]) -> int:
    """Let a process try files from `seed` on; the seed to go on with when it stops or gets stuck."""
    command = [sys.executable, "-m", "tests.laws.fuzz_yaml", "work", str(seed), str(last - seed)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        for line in process.stdout or ():
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    patience_s = START_S
    while seed < last:
        try:
            line = lines.get(timeout=patience_s)
        except queue.Empty:
            process.kill()
            line = f"{seed} takes longer than {patience_s} s"
            failures.append(line)
            return seed + 1
        if line is None:
            failures.append(f"{seed} ended the process with status {process.wait()}")
            return seed + 1
        _, _, flaw = line.strip().partition(" ")
        if flaw:
            failures.append(f"seed {seed}: {flaw}")
        seed += 1
        patience_s = FILE_S
    process.wait()
    return seed


if __name__ == "__main__":
    if sys.argv[1] == "work":
        work(int(sys.argv[2]), int(sys.argv[3]))
    else:
        sys.exit(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0) > 0)
