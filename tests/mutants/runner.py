"""Running the tests of a mutant in a copy of the tree that has its fault."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from queue import Queue
from tempfile import TemporaryDirectory

import pytest

from tests.mutants import Mutant
from tests.places import ROOT

#: What a copy holds; the rest of the tree is not tested here.
COPIED = ("blis", "search", "experiments", "conf", "docs", "tests", "pyproject.toml", "README.md")

#: A mutant whose tests take longer hangs, and that is found too.
TIMEOUT_S = 600

PASSED, FAILED, BROKEN = 0, 1, 2  # pytest's exit codes; broken: a test file could not even be imported

#: A process that has imported what takes long; every run of pytest is a fork of it.
_SERVER = get_context("forkserver")
_SERVER.set_forkserver_preload(["numba", "scipy.stats", "pandas", "optuna", "deap.tools", "cmaes", "hydra", "pytest"])

#: When files with a fault were changed, as they say: all of them long ago, no two at once.
_STAMPS = count(10**9)


def areas() -> dict[str, tuple[Mutant, ...]]:
    """The mutants by the name of the file that lists them."""
    here = Path(__file__).parent
    names = sorted(path.stem for path in here.glob("*.py"))
    lists = [name for name in names if name != Path(__file__).stem and not name.startswith(("__", "test_"))]
    return {name: import_module(f"tests.mutants.{name}").MUTANTS for name in lists}


def flaw(mutant: Mutant, root: Path = ROOT) -> str | None:
    """Why a mutant cannot be run, None if it can: its snippet is not there exactly once, or a test is not there."""
    path = root / mutant.file
    if not path.is_file():
        return f"{mutant.file}: no such file"
    count = path.read_text(encoding="utf-8").count(mutant.old)
    if count != 1:
        return f"{mutant.file}: found {count} times, not once: {mutant.old!r}"
    missing = [test for test in mutant.tests if not (root / test).exists()]
    if missing or not mutant.tests:
        return f"{mutant.file}: no such tests: {', '.join(missing) or 'none given'}"
    return None


def run_all(mutants: Sequence[Mutant], jobs: int, done: Callable[[Mutant, bool], None]) -> list[Mutant]:
    """The mutants that survive their tests; `done` hears of each one, found or not, as it ends.

    Raises SystemExit for a stale mutant, and if the tests do not pass without any.
    """
    stale = [problem for problem in map(flaw, mutants) if problem]
    if stale:
        raise SystemExit("\n".join(stale))
    with TemporaryDirectory(prefix="mutants-") as folder, ThreadPoolExecutor(jobs) as pool:
        trees: Queue[Path] = Queue()
        copies = [_copy(Path(folder) / f"tree{job}") for job in range(jobs)]
        tests = sorted({test for mutant in mutants for test in mutant.tests})
        for tree in copies:  # compiles the kernels there, too
            _check_passing(tree, tests)
            trees.put(tree)

        def survives(mutant: Mutant) -> bool:
            tree = trees.get()
            try:
                with _fault(tree, mutant):
                    survived = _run_tests(tree, mutant.tests)[0] == PASSED
            finally:
                trees.put(tree)
            done(mutant, not survived)
            return survived

        survived = list(pool.map(survives, mutants))
    return [mutant for mutant, alive in zip(mutants, survived, strict=True) if alive]


def _copy(tree: Path) -> Path:
    """A copy of what is tested."""
    tree.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, tree / name)
    return tree


def _check_passing(tree: Path, tests: Sequence[str]) -> None:
    code, output = _run_tests(tree, tests)
    if code != PASSED:
        raise SystemExit(f"the tests do not pass without a mutant:\n{output}")


@contextmanager
def _fault(tree: Path, mutant: Mutant) -> Iterator[None]:
    """The tree with the mutant's fault in it."""
    path = tree / mutant.file
    sound, status = path.read_bytes(), path.stat()
    path.write_bytes(sound.replace(mutant.old.encode(), mutant.new.encode()))
    os.utime(path, (next(_STAMPS),) * 2)  # bytecode goes by the second: no fault may be taken for another
    try:
        yield
    finally:
        path.write_bytes(sound)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def _run_tests(tree: Path, tests: Sequence[str]) -> tuple[int, str]:
    """The exit code of pytest, a test that hangs or crashes being one that fails, and the end of what it said."""
    log = tree.with_suffix(".log")
    process = _SERVER.Process(target=_pytest, args=(tree, tests, log))
    process.start()
    process.join(TIMEOUT_S)
    if process.is_alive():
        process.kill()
        process.join()
    code, output = process.exitcode, log.read_text(errors="replace")[-3000:]
    if code is not None and code > BROKEN:
        raise SystemExit(f"pytest cannot run {' '.join(tests)}:\n{output}")
    return FAILED if code is None or code < 0 else code, output


def _pytest(tree: Path, tests: Sequence[str], log: Path) -> None:
    """Run pytest in a tree, and nothing of this one."""
    with log.open("w") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    os.chdir(tree)
    sys.path[:] = [str(tree), *(place for place in sys.path if Path(place).resolve() != ROOT)]
    for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
        del sys.modules[name]
    sys.exit(int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests])))
