"""How far the simulator is from real servers: logs of vLLM, simulated by three latency models (docs/accuracy.md).

    python -m experiments.accuracy                 the logs in ../shared/traces/vllm_logs, a minute
    python -m experiments.accuracy --logs FOLDER   every *.requests.jsonl there, with what stands beside it

The later half of each log is scored. Two models see nothing of a log but its settings; `fitted` is what `blis fit`
finds in the first half. The page goes to outputs/experiments/accuracy/.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from blis.calibration.errors import MEASURES
from blis.calibration.replay import Replay, replay_scenario
from blis.calibration.report import Calibration, calibrate
from blis.errors import InputError
from blis.files import write_text
from blis.fit.fit import fit
from blis.latency.catalog import gpu_catalog
from blis.workload.recorded.read import read_recording
from blis.workload.recorded.recording import Recording
from experiments.page import FOLDER, markdown_table
from search.application import EXIT_INPUT, EXIT_OK

NAME = "accuracy"
LOGS = Path(__file__).parents[2] / "shared" / "traces" / "vllm_logs"
ENDING = ".requests.jsonl"
FIRST = 0.5  # share of a log that is not scored, and that the fit sees
FITTED = "fitted"
WARM_UP = 10  # requests with which a server that was just started gets up to speed

ERRORS = ("TTFT %", "TPOT %", "E2E %")
UNQUEUED = ("unqueued TTFT %", f"without first {WARM_UP} %")
SHAPES = ("makespan", "running r", "waiting r")
HEADER = ("log", "model", *ERRORS, *UNQUEUED, *SHAPES)

#: What was there before: MAPE of TTFT / TPOT / E2E in %, on the same halves. As measured when the work was asked for;
#: nothing here computes it. The regression is ordinary least squares on the first half.
BEFORE_HEADER = ("log", "roofline of before", "plain regression", "AISimulate, unfitted")
BEFORE = (
    ("RTX 4090, Llama-3.1-8B", "27 / 19 / 25", "2.2 / 7.5 / 1.6", "27 / 26 / 27 (as L40S)"),
    ("RTX PRO 6000, Llama-3.1-8B", "36 / 12 / 22", "0.8 / 2.9 / 1.8", "13 / 7 / 9"),
    ("2 × RTX PRO 6000, Qwen3-32B", "3 / 5 / 4", "1.9 / 4.6 / 1.5", "28 / 21 / 25"),
    ("a MoE model, not in the folder", "60 / 29 / 28", "30 / 3.0 / 2.9", "30 / 7 / 6"),
)


class Target(NamedTuple):
    """What a figure should be: within `off` of `ideal`."""

    ideal: float
    off: float


#: By model and figure.
TARGETS = {
    "roofline": {"E2E %": Target(0, 10)},
    FITTED: {
        "E2E %": Target(0, 3),
        "TTFT %": Target(0, 10),
        "unqueued TTFT %": Target(0, 10),
        "makespan": Target(1, 0.03),
        "running r": Target(1, 0.02),
        "waiting r": Target(1, 0.02),
    },
}


@dataclass(frozen=True)
class Row:
    """One model on one log: figures by the names of HEADER, NaN where nothing can be said."""

    log: str
    model: str
    figures: dict[str, float]
    unqueued: tuple[int, ...]  # requests that the figures of UNQUEUED are of

    @property
    def missed(self) -> list[str]:
        """The figures that are not what they should be, or that are not there, in words."""
        return [
            f"{name} is {_cell(name, self.figures[name])}, not within {target.off:g} of {target.ideal:g}"
            for name, target in TARGETS.get(self.model, {}).items()
            if not abs(self.figures[name] - target.ideal) <= target.off
        ]

    @property
    def cells(self) -> tuple[str, ...]:
        """The row of the table."""
        texts = {name: _cell(name, value) for name, value in self.figures.items()}
        texts |= {name: f"{texts[name]} ({n})" for name, n in zip(UNQUEUED, self.unqueued, strict=True)}
        return (self.log, self.model, *texts.values())


def _cell(name: str, value: float) -> str:
    digits = 1 if name.endswith("%") else 3
    return f"{value:.{digits}f}" if np.isfinite(value) else "–"


def recordings(folder: Path) -> Iterator[Recording]:
    """The logs of a folder by name. The GPU is what a log says, else the first word of its file's name."""
    for path in sorted(folder.glob(f"*{ENDING}")):
        recording = read_recording(path)
        gpu = gpu_catalog().find(recording.server.gpu or path.name.split("_")[0]).name
        yield replace(recording, server=replace(recording.server, gpu=gpu))


def with_kv(recording: Recording) -> tuple[Recording, tuple[str, ...]]:
    """The same with the size of its KV cache, which the roofline derives if the log is silent; and what was assumed."""
    replay = replay_scenario(recording, {"kind": "roofline"})
    kv = replay.scenario.instance.kv
    server = replace(recording.server, kv_blocks=kv.blocks, block_size_tokens=kv.block_size_tokens)
    return replace(recording, server=server), replay.assumed


def rows(recording: Recording) -> Iterator[Row]:
    """Every model on one log."""
    for kind in ("roofline", "roofline-original"):
        yield _row(recording, kind, {"kind": kind})
    found = fit([recording], FIRST).file
    yield _row(recording, FITTED, {"kind": found.kind, "parameters": found.parameters})


def _row(recording: Recording, name: str, latency_model: dict[str, Any]) -> Row:
    replay: Replay = replay_scenario(recording, latency_model)
    later = calibrate(recording, replay.scenario, first=FIRST)
    # Of the whole log, for in the later half of one with a queue everybody queues.
    whole = [calibrate(each, replay.scenario).unqueued for each in (recording, recording.without_warm_up(WARM_UP))]
    figures = _figures(later) | {name: found.mape_percent for name, found in zip(UNQUEUED, whole, strict=True)}
    return Row(label(recording), name, {key: figures[key] for key in HEADER[2:]}, tuple(found.n for found in whole))


def _figures(later: Calibration) -> dict[str, float]:
    """All but those of unqueued requests."""
    errors = [later.metrics[name].mape_percent for name in MEASURES]
    lines = [later.timelines.lines[name].correlation for name in ("running", "waiting")]
    return dict(zip((*ERRORS, *SHAPES), (*errors, later.makespan_ratio, *lines), strict=True))


def label(recording: Recording) -> str:
    """What answered, in words."""
    server = recording.server
    cards = f"{server.tp} × " if server.tp > 1 else ""
    return f"{cards}{server.gpu}, {server.model.rsplit('/', 1)[-1]}"


def page(found: list[Row], assumed: dict[str, tuple[str, ...]]) -> str:
    """The tables, then what was missed and what was assumed."""
    missed = [f"* {row.log}, {row.model}: {'; '.join(row.missed)}" for row in found if row.missed]
    taken = [f"* {log}: {', '.join(what)}" for log, what in assumed.items() if what]
    blocks = [
        markdown_table(HEADER, [row.cells for row in found]),
        "Targets missed:\n\n" + "\n".join(missed or ["* none"]),
        "Not said by the logs, and assumed:\n\n" + "\n".join(taken or ["* nothing"]),
        "Before:",
        markdown_table(BEFORE_HEADER, BEFORE),
    ]
    return "\n\n".join(blocks)


def main(arguments: list[str]) -> int:
    """Print the page and keep it; without logs say where some could be."""
    parser = argparse.ArgumentParser(prog="python -m experiments.accuracy", allow_abbrev=False)
    parser.add_argument("--logs", metavar="FOLDER", type=Path, help=f"of *{ENDING}; default ../shared/traces/vllm_logs")
    folder = parser.parse_args(arguments).logs or LOGS
    try:
        found = [with_kv(recording) for recording in recordings(folder)]
        if not found:
            print(f"no *{ENDING} in {folder}: nothing was measured; give a folder with --logs")
            return EXIT_OK
        assumed = {label(recording): what for recording, what in found}
        text = page([row for recording, _ in found for row in rows(recording)], assumed)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_INPUT
    write_text(FOLDER / NAME / f"{NAME}.md", text + "\n")
    print(text)
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
