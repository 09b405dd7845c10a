"""The shell commands that the pages show, and how each is run here: shortened, in this process, in a user's folder."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from glob import glob
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

import search.__main__ as search_main
from blis.cli.main import main as blis
from blis.serve.app import routes
from blis.serve.server import Port, address
from experiments.gpu_steps import __main__ as gpu_steps
from experiments.published import SMALL_CACHE
from search.clusters import CLUSTERS
from search.workers import Workers
from tests.blis.cli.commands import DEPLOY, OURS
from tests.blis.observe import server
from tests.blis.serve.small import service
from tests.docs.pages import GUIDES, blocks
from tests.inputs import __main__ as inputs
from tests.laws import fuzz
from tests.places import ROOT
from tests.search.clusters_here import running
from tests.search.small import without_pictures


class Command(NamedTuple):
    """One line of a block of shell commands."""

    where: str
    words: tuple[str, ...]


def commands() -> Iterator[Command]:
    """Every command of every page; a comment is none, a line that ends in a backslash goes on."""
    for page in GUIDES:
        for block in blocks(page):
            if block.language == "sh":
                for offset, line in enumerate(block.text.replace("\\\n", "  ").splitlines()):
                    if words := shlex.split(line, comments=True):
                        yield Command(f"{block.page}:{block.line + offset}", tuple(words))


#: Two batches on short tables: no search takes more than a second or two.
SHORT = (
    *("driver.budget=16", "driver.batch=8", "parallel.n_jobs=1", "tracking=none", "validation.search_seeds=1"),
    *("validation.selection_seeds=2", "validation.report_seeds=2", "validation.finalists=2"),
    *("validation.random_policies=0", "validation.shift_seeds=2", "validation.explain=false"),
    *("validation.robust=false", "validation.saving=false"),
)
SHORT_TABLE = ("workload.first=100",)
SHORT_TRACE = ("workload.first=120", "workload.windows.warmup_s=1")  # too short for an interval, which takes seconds


def shortened(overrides: list[str]) -> list[str]:
    """Overrides of a search, with those that make it short at the end, where they win."""
    return [*overrides, *SHORT, *(SHORT_TRACE if "workload=trace" in overrides else SHORT_TABLE)]


#: What is not run, and why; `unrunnable` checks what can be checked of it.
NOT_RUN = {
    "make": "sets up .venv or runs for minutes; its targets must exist",
    ".": "changes the user's shell",
    "mlflow": "a server that runs until it is stopped; the program must be installed",
    "curl": "asks a server that runs; it must have the path",
}


def unrunnable(words: tuple[str, ...]) -> None:
    """What can be said of a command that is not run."""
    if words[0] == "make":
        targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert words[1] in targets
        for word in words[2:]:
            for path in word.removeprefix("ARGS=").split():
                assert (ROOT / path).exists() or path.startswith("-") or path == "slow"
    elif words[0] == "mlflow":
        assert "mlflow" in {script.name for script in entry_points(group="console_scripts")}
    elif words[0] == "curl":
        assert urlsplit(words[1]).path in {route.path for route in routes(service())}
    else:
        assert words == (".", ".venv/bin/activate")


def search_command(words: list[str], patch: pytest.MonkeyPatch) -> None:
    """`python -m search`: the folder of a run is new, the pictures are left out; a cluster is there if one is named."""
    without_pictures(patch)
    folders = ["hydra.run.dir=made/run", "hydra.sweep.dir=made/sweep"]
    chosen = dict(word.split("=", 1) for word in words if "=" in word)
    cluster = CLUSTERS.get(chosen.get("parallel", ""), CLUSTERS["threads"])
    if find_spec(cluster.package) is None:
        pytest.skip(f"{cluster.package} is not installed")
    with running() if "parallel.address" in chosen else nullcontext() as address:
        there = [] if address is None else [f"parallel.address={address}"]
        patch.setattr(sys, "argv", ["search", *shortened(words), *folders, *there])
        assert search_main.main() == 0


class Study(NamedTuple):
    """`python -m experiments.<name>`, smaller: its options, constants of its module, and what it does of a search."""

    name: str
    options: dict[str, str]
    constants: dict[str, object]
    searches: bool = True

    def __call__(self, words: list[str], patch: pytest.MonkeyPatch) -> None:
        """Run it."""
        module = import_module(f"experiments.{self.name}")
        for constant, value in self.constants.items():
            patch.setattr(module, constant, value)
        overrides = [word for word in words if "=" in word and " " not in word]  # else of a side of its own
        given = [word for word in words if word not in overrides]
        followed = zip(given, [*given, "--"][1:], strict=True)
        flags = [word for word, after in followed if word.startswith("--") and after.startswith("--")]
        given = [word for word in given if word not in flags]
        options = dict(zip(given[::2], given[1::2], strict=True)) | self.options
        flat = [*flags, *(word for pair in sorted(options.items()) for word in pair)]
        assert module.main([*flat, *(shortened(overrides) if self.searches else overrides)]) == 0


STUDIES = (
    Study("saturation", {}, {"SEEDS": 1, "REQUESTS": 400, "LIMIT_US": 300_000}),
    Study(
        "drivers",
        {"--seeds": "2", "--budget": "16", "--drivers": "random,deap_ga"},
        {"FRESH_TABLES": 2, "Workers": lambda n_jobs, backend: Workers(1)},  # processes take seconds to start
    ),
    Study("profiles", {}, {"TABLES": 1}),
    Study("profile_verdicts", {}, {"CHANGES": {"both": ([], 58.5)}, "FULL": 58.5}),
    Study("accuracy", {}, {"LOGS": Path("no logs")}, searches=False),
    Study("rank_fidelity", {}, {"TABLES": 1, "COMPARISONS": (SMALL_CACHE,)}, searches=False),
    Study("families", {"--seeds": "1", "--families": "admission"}, {}),
    Study(
        "never_worse",
        {"--searches": "2", "--budget": "16"},
        {"FRESH_TABLES": 2, "Workers": lambda n_jobs, backend: Workers(1)},  # processes take seconds to start
    ),
    Study(
        "noise",
        {"--policies": "8", "--seeds": "4"},
        {
            "TOP": 6,
            "SEARCH_SEEDS": 2,
            "LENGTHS": (100, 150),
            "OPTIMISM_LENGTHS": (100, 150),
            "SMALL_CLUSTER_LENGTHS": (100,),
            "STANDARD_LENGTH": 150,
            "REFERENCE_LENGTH": 150,
        },
    ),
)


def blis_command(words: list[str], patch: pytest.MonkeyPatch) -> None:
    """`blis`: nothing to shorten, a run takes milliseconds."""
    try:
        assert blis(words) == 0
    except SystemExit as end:  # argparse's way out of --help
        assert end.code == 0


FEW_AND_FAST = ("--num-requests", "5", "--rate-scale", "100")


def observed(words: list[str], patch: pytest.MonkeyPatch) -> None:
    """`blis observe`: of a server that is there for as long, and faster; what is in the folder stays as it is."""
    with server.served(server.answers()) as there:
        words = [there.url if word == "http://127.0.0.1:8000" else word for word in words]
        assert blis(["observe", *words, *FEW_AND_FAST, "--record", "made/seen.yaml"]) == 0


def about_searches(words: list[str], patch: pytest.MonkeyPatch) -> None:
    """`blis-search compare` and its like."""
    assert search_main.COMMANDS[words[0]](words[1:]) == 0


def without_gpu(words: list[str], patch: pytest.MonkeyPatch) -> None:
    """`python -m experiments.gpu_steps`, skipped as it is where nothing can be timed."""
    patch.setitem(sys.modules, "torch", None)
    assert gpu_steps.main(words) == 0


def few_scenarios(words: list[str], patch: pytest.MonkeyPatch) -> None:
    """`python -m tests.laws.fuzz`."""
    assert int(words[0]) > 0
    assert fuzz.main(3, 0) == 0


def few_inputs(words: list[str], patch: pytest.MonkeyPatch) -> None:
    """`python -m tests.inputs`."""
    assert inputs.main([*words, "--count", "7"]) == 0


def served(words: list[str], patch: pytest.MonkeyPatch) -> None:
    """`blis serve`: any ports, and no waiting for Ctrl-C."""

    def end(ports: list[Port], *_: object) -> None:
        for port in ports:
            print(address(port.listener))
            port.listener.close()

    patch.setattr("blis.serve.server.serve", end)
    assert blis(["serve", *("0" if word.isdigit() and int(word) >= 8000 else word for word in words)]) == 0


RUNNERS: dict[tuple[str, ...], Callable[[list[str], pytest.MonkeyPatch], None]] = {
    ("python", "-m", "search"): search_command,
    **{("python", "-m", f"experiments.{study.name}"): study for study in STUDIES},
    ("python", "-m", "experiments.gpu_steps"): without_gpu,
    ("python", "-m", "tests.laws.fuzz"): few_scenarios,
    ("python", "-m", "tests.inputs"): few_inputs,
    ("blis", "observe"): observed,
    ("blis", "serve"): served,
    ("blis",): blis_command,
    ("blis-search",): about_searches,
}


def runner_of(words: tuple[str, ...]) -> tuple[str, ...] | None:
    """The key of RUNNERS that a command begins with; None if it is not run. Fails for a command nobody knows."""
    if words[0] in NOT_RUN:
        return None
    found = [key for key in RUNNERS if words[: len(key)] == key]
    assert found, f"no way to run {' '.join(words)!r}: add one to RUNNERS, or a reason to NOT_RUN"
    return found[0]


def as_typed(words: tuple[str, ...], seed: int) -> list[str]:
    """Words as the shell would hand them over; N stands for a seed."""
    expanded = [file for word in words for file in (sorted(glob(word)) or [word])]
    return [str(seed) if word == "N" else word for word in expanded]


def inline(code: str) -> bool:
    """Whether what a command between backticks names is there."""
    words = code.split()
    if words[0] == "make":
        return bool(re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE))
    if words[:2] == ["python", "-m"]:
        return find_spec(words[2]) is not None
    return words[1] in (*OURS, *DEPLOY)
