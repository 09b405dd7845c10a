"""The shipped coefficients held against their GPUs: writes docs/coefficients.md.

    python -m experiments.coefficients

One row for each entry of blis/latency/coefficients.yaml, as `blis run` and the search judge it.
"""

from __future__ import annotations

import re
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from blis.config import Compat, LatencyModel
from blis.evaluation.distribution import US_PER_MS
from blis.files import write_text
from blis.latency.plausible import Judged, judged
from blis.latency.table import Coefficients, CoefficientTable, coefficient_table
from experiments.page import markdown_table
from search.application import EXIT_OK

PAGE = Path("docs") / "coefficients.md"
HEADER = ("model", "default", "GPU", "tp", "vLLM", "step ms", "bound ms", "verdict")

SHORT_US = 2000

TEXT = """# The shipped coefficients

`blis run --model NAME` takes its latency model from `blis/latency/coefficients.yaml`: {all} entries, fitted by the
authors of the original simulator to measurements of vLLM. Such a fit says how long requests took; not every one is a
clock that an engine can have. Here each is held against its GPUs. `python -m experiments.coefficients` writes this
page.

No step can end before the GPUs have read weights and KV and computed, at the peaks of their data sheets
(`blis/latency/bound.py`). Looked at: steps in which 1, 32 and 256 requests decode after 1024 tokens each, where
memory has room for them, and one with 2048 tokens of a prompt. *Step* is what a single request's decode takes on the
clock, β0 + β2; *bound* is the least it can take. A client waits α2 longer for a token, so an entry whose steps are
too short may still give usual latencies, but its engine serves more requests than any real one. No entry knows of
contexts: where they are long enough, each is too fast.

Of {all} entries {possible} are possible and {impossible} are faster than their GPUs, {alone} of these even where a
single request decodes. Such a decode takes less than 2 ms in {short}; in {short_alone} of them it cannot.

`blis run` warns of an entry that is faster than its GPUs; a search refuses it, unless `allow_implausible: true`; no
cluster in `conf/` has one. Of the {defaults} deployments that a model's name alone stands for (*default*)
{defaults_impossible} are impossible: they are the original's, and stay, so that its runs can be repeated. In their
place: `--latency-model roofline`, or coefficients that `blis fit` finds in a log of your own.
"""


def latency_model(entry: Coefficients) -> LatencyModel:
    """What a scenario that names the entry's deployment gets."""
    return LatencyModel("blackbox", entry.alpha, entry.beta, entry.model, entry.gpu, entry.tp)


def steps(entry: Coefficients) -> list[Judged]:
    """Every kind of step that fits into the GPUs, first that of a single request."""
    found = judged(latency_model(entry), Compat())
    assert found, f"{entry.model} or {entry.gpu} is missing in the catalogue, or too small"
    return found


def too_fast(entry: Coefficients) -> list[str]:
    """The steps that are faster than the GPUs: how many decode in them, or "prompt"."""
    decodes = [re.search(r"\d+(?= decode)", step.step) for step in steps(entry) if not step.possible]
    return [members[0] if members else "prompt" for members in decodes]


def page(table: CoefficientTable) -> str:
    """Text and table."""
    defaults = [table.find(default.model) for default in table.defaults]
    rows = [row(entry, entry in defaults) for entry in table.coefficients]
    return f"{TEXT.format(**counts(table.coefficients, defaults))}\n{markdown_table(HEADER, rows)}\n"


def counts(entries: Sequence[Coefficients], defaults: Sequence[Coefficients]) -> dict[str, int]:
    """The numbers in `TEXT`."""
    impossible = [entry for entry in entries if too_fast(entry)]
    alone = [entry for entry in impossible if not steps(entry)[0].possible]
    short = [entry for entry in entries if steps(entry)[0].model_us < SHORT_US]
    return {
        "all": len(entries),
        "possible": len(entries) - len(impossible),
        "impossible": len(impossible),
        "alone": len(alone),
        "short": len(short),
        "short_alone": sum(entry in alone for entry in short),
        "defaults": len(defaults),
        "defaults_impossible": sum(entry in impossible for entry in defaults),
    }


def row(entry: Coefficients, default: bool) -> list[str]:
    """An entry's cells, as `HEADER` names them."""
    alone, fast = steps(entry)[0], too_fast(entry)
    verdict = f"faster than its GPUs at {', '.join(fast)}" if fast else "possible"
    times = [f"{us / US_PER_MS:.2f}" for us in (alone.model_us, alone.bound_us)]
    return [entry.model, "yes" * default, entry.gpu, str(entry.tp), entry.vllm, *times, verdict]


def main(arguments: list[str]) -> int:
    """Print the page and write it."""
    ArgumentParser(prog="python -m experiments.coefficients", description=__doc__).parse_args(arguments)
    found = page(coefficient_table())
    write_text(PAGE, found)
    print(found, end="")
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
