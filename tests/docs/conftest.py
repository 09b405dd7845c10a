"""A user's folder: the repository's conf/, the files that the pages show, traffic, and runs that have been made."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

import search.__main__ as search_main
from blis.cli.main import main as blis
from tests.blis.calibration.recordings import scenario, simulated
from tests.blis.observe.server import answers, served
from tests.blis.workload.recorded.logs import bench, log_rows, request_log
from tests.blis.workload.trace_files import random_mooncake_rows, write_azure, write_mooncake
from tests.docs.commands import shortened
from tests.docs.pages import GUIDES, blocks
from tests.places import CONF
from tests.search.small import without_pictures

ROWS = 120


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which commands are typed."""
    folder = tmp_path_factory.mktemp("workspace")
    shutil.copytree(CONF, folder / "conf")
    for page in GUIDES:
        for block in blocks(page):
            if block.language == "yaml":
                write(folder / block.text.split("\n")[0].removeprefix("# "), block.text)
            elif block.language == "csv":
                write(folder / "requests.csv", block.text)
    write_mooncake(folder / "traffic.jsonl", random_mooncake_rows(seed=8, n=ROWS, gap_ms=200))
    write_azure(folder / "traffic.csv", azure_rows())
    request_log(folder, log_rows(simulated(scenario()))).rename(folder / "server.requests.jsonl")
    bench(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert (
            blis(["run", "--config", "conf/cluster/h100x4.yaml", "--requests", "traffic.jsonl", "--record", "run.yaml"])
            == 0
        )
        with served(answers()) as server:
            to = ["--url", server.url, "--model", "NAME", "--workload", "chatbot", "--num-requests", "200"]
            assert blis(["observe", *to, "--rate-scale", "0.3", "--record", "seen.yaml"]) == 0
        assert blis(["compose", "rag", "chatbot", "--out", "both.yaml"]) == 0
        made(patch, ["workload=chat_bursty"], "RUN", tracking="mlflow")
        without_pictures(patch)
        made(patch, ["experiment=quickstart"], "outputs/DATE/TIME")
        made(patch, ["primary=mine.yaml", "search_space.from=mine", "vary=[routing.scorers]"], "NEXT")
    return folder


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def azure_rows() -> list[str]:
    """A request every 150 ms on average."""
    random = np.random.default_rng(5)
    times_ms = np.cumsum(random.integers(1, 300, ROWS))
    clock = [f"18:{time_ms // 60_000:02d}:{time_ms / 1000 % 60:010.7f}" for time_ms in times_ms]
    return [f"2023-11-16 {time},{100 + row % 900},{1 + row % 50}" for row, time in enumerate(clock)]


def made(patch: pytest.MonkeyPatch, overrides: list[str], run_dir: str, tracking: str = "none") -> None:
    """A short search in this process."""
    words = [*shortened(overrides), f"tracking={tracking}", f"hydra.run.dir={run_dir}"]
    patch.setattr(sys, "argv", ["search", *words])
    assert search_main.main() == 0
