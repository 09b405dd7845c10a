"""What today's engine and a plausible latency model do to a verdict: one search for each, everything else the same.

    python -m experiments.profile_verdicts                        the default problem, four searches
    python -m experiments.profile_verdicts experiment=overload    any override

Each runs at the same share of its own saturation, as `python -m experiments.saturation` printed it with the
overrides of `CHANGES`: what changes is the deployment, not how full it is. The page goes to
outputs/experiments/profile_verdicts/.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from blis.comparison.gain import gain
from blis.comparison.statistics import AnyComparison
from blis.errors import InputError
from blis.files import write_text
from experiments.page import FOLDER, markdown_table
from search.application import EXIT_INPUT, EXIT_OK, compose_settings
from search.running.checkpoint import begin
from search.running.loop import run_search
from search.settings import Settings
from search.verdict.holdout import make_holdout
from search.verdict.validation import validate
from search.verdict.verdict import Verdict, mean_of

_ENGINE = "cluster.instance.engine="
_MODEL = "cluster.instance.latency_model.kind="
_SCALE = "workload.rate_scale="

#: Overrides of each deployment, and the rate at which its primary baseline saturates, requests per second.
CHANGES: dict[str, tuple[list[str], float]] = {
    "as it was": ([f"{_ENGINE}original", f"{_MODEL}blackbox"], 80.0),
    "engine vllm-2026": ([f"{_ENGINE}vllm-2026", f"{_MODEL}blackbox"], 79.5),
    "roofline": ([f"{_ENGINE}original", f"{_MODEL}roofline"], 59.5),
    "both": ([f"{_ENGINE}vllm-2026", f"{_MODEL}roofline"], 58.5),
}
FULL = CHANGES["both"][1]  # that of the default problem, whose rate the workload has
HEADER = ("deployment", "rate", "against the primary", "beyond tuned knobs", "TTFT p99 ms", "ITL p99 ms")


def verdict_of(settings: Settings) -> Verdict:
    """Search and prove."""
    candidates, evaluator, archive = begin(settings)
    run_search(candidates, evaluator, settings.driver, archive)
    return validate(settings, archive, evaluator, make_holdout(settings))


def row(verdict: Verdict) -> tuple[str, ...]:
    """What the page says of a verdict: two gains, and two latencies of the winner and of the primary baseline."""
    proof = verdict.proof
    if proof is None:
        return (verdict.outcome, "", "", "")
    primary = verdict.question.primary
    winner, before = (mean_of(found) for found in (proof.measured.winner, proof.measured.primary))
    tuned = proof.baselines.get(proof.tuned_knobs.name)
    latencies = (f"{winner[key]:.0f} for {before[key]:.0f}" for key in ("ttft_p99_ms", "itl_p99_ms"))
    return (_gain(proof.baselines[primary]), _gain(tuned) if tuned else "", *latencies)


def _gain(found: AnyComparison) -> str:
    return " ".join(gain(found.mean, found.bounds))


def study(overrides: list[str]) -> dict[str, tuple[str, ...]]:
    """A row for each deployment."""
    found = {}
    for name, (changes, saturation) in CHANGES.items():
        settings = compose_settings([*overrides, *changes, f"{_SCALE}{saturation / FULL}"])
        rate = settings.problem.workload.aggregate_rate
        found[name] = (f"{rate:.1f}/s", *row(verdict_of(settings)))
        print(f"{name}: {', '.join(found[name])}", file=sys.stderr)
    return found


def page(found: Mapping[str, tuple[str, ...]]) -> str:
    """The table."""
    return markdown_table(HEADER, [(name, *cells) for name, cells in found.items()])


def main(overrides: list[str]) -> int:
    """Print the table and keep it."""
    try:
        text = page(study(overrides))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_INPUT
    write_text(FOLDER / "profile_verdicts" / "profile_verdicts.md", text + "\n")
    print(text)
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
