"""Time steps of a model on this machine's GPU (docs/gpu-steps.md).

    python -m experiments.gpu_steps --model llama-3.1-8b-instruct --minutes 8 --out steps.csv
    python -m experiments.gpu_steps --hf-config config.json --tp 2 --out steps.csv

Without PyTorch or a GPU it says so and ends well, with exit status 0.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from blis.cli.flags import number, whole
from blis.errors import EngineError, InputError, check_integer, check_number
from blis.latency.catalog import find_model, gpu_catalog
from blis.latency.hf_config import model_from_config
from blis.latency.shapes import ModelShape
from experiments.gpu_steps.measure import Timed, measure
from experiments.gpu_steps.plan import MOST_KV_TOKENS, plan
from experiments.gpu_steps.shares import reached, suggested
from experiments.gpu_steps.sizes import Sizes, sizes
from experiments.gpu_steps.write import write

EXIT_OK, EXIT_FAILURE, EXIT_INPUT = 0, 1, 2


def main(arguments: list[str]) -> int:
    """Time, write, print."""
    options = _parser().parse_args(arguments)
    try:
        check_integer("--tp", options.tp, 1)
        check_number("--minutes", options.minutes, 0, 24 * 60, above=0)
        if Path(options.out).suffix != ".csv":
            raise InputError(f"--out {options.out}: the name of a step log ends in .csv")
        model = model_from_config(options.hf_config) if options.hf_config else find_model(options.model)
        built = sizes(model, options.tp)
        reason = why_not()
        print(f"skipped: {reason}" if reason else _run(options, model, built))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_INPUT
    except EngineError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_FAILURE
    return EXIT_OK


def why_not() -> str:
    """Why nothing can be timed here, "" if it can."""
    try:
        torch = import_module("torch")
    except ImportError:
        return "PyTorch is not installed"
    return "" if torch.cuda.is_available() else f"PyTorch {torch.__version__} finds no GPU"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m experiments.gpu_steps", allow_abbrev=False)
    model = parser.add_mutually_exclusive_group(required=True)
    model.add_argument("--model", metavar="NAME", help="a shipped model")
    model.add_argument("--hf-config", metavar="FILE", help="the model's config.json, as Hugging Face has it")
    parser.add_argument("--tp", type=whole, default=1, metavar="N", help="GPUs that share it; one's part is timed")
    parser.add_argument("--minutes", type=number, default=8.0, metavar="X", help="time for measuring; default 8")
    parser.add_argument("--out", default="steps.csv", metavar="FILE", help="the step log; default steps.csv")
    return parser


def _run(options: argparse.Namespace, model: ModelShape, built: Sizes) -> str:
    """What is printed, after everything is timed and written."""
    torch, layers = import_module("torch"), import_module("experiments.gpu_steps.layers")
    card = torch.cuda.get_device_properties(0)
    count = built.built(card.total_memory)
    timer = layers.Model(built, count)
    points = plan(min(MOST_KV_TOKENS, built.most_kv_tokens(card.total_memory)))
    timed = measure(points, timer.step_us, 60 * options.minutes)
    about = {
        "model": options.model or options.hf_config,
        "hardware": {"device_name": card.name},
        "engine_kwargs": {"tensor_parallel_size": options.tp},
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "attention": layers.ATTENTION,
        "layers_built_of_each_kind": count,
        "not_timed": "the host between steps, sampling but for argmax, exchanges among GPUs",
    }
    beside = write(options.out, timed, about)
    summary = f"{len(timed)} of {len(points)} steps timed on {card.name}: {options.out}, {beside}"
    return "\n\n".join([*_shares(card.name, model, options.tp, timed), summary])


def _shares(name: str, model: ModelShape, tp: int, timed: list[Timed]) -> list[str]:
    """Against the catalogue's peaks, if it has the GPU."""
    gpu: Any = gpu_catalog().get(name)
    if gpu is None:
        return [f"{name} is not in the catalogue, so that there are no shares of its peaks"]
    found = suggested(model, gpu.hardware, tp, timed)
    lines = [f"{key} {value:.3g}" for key, value in found.items()]
    return [reached(model, gpu.hardware, tp, timed), f"the roofline fits best with: {', '.join(lines)}"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
