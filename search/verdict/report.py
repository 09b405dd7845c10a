"""A verdict for the terminal: the sentence and two tables, of comparisons and of latencies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from blis.comparison.gain import gain, interval, signed
from blis.comparison.statistics import BCA, AnyComparison, BlockComparison
from blis.latency.standing import Standing
from blis.policies.bundle import given_fields
from blis.text import aligned
from search.verdict.outlook import Outlook
from search.verdict.robustness import numbers
from search.verdict.tuned_knobs import TunedKnobs
from search.verdict.verdict import Proof, Question, Verdict, mean_of

LATENCIES = {
    "ttft_mean_ms": "TTFT mean",
    "ttft_p99_ms": "TTFT p99",
    "tpot_mean_ms": "TPOT mean",
    "itl_mean_ms": "ITL mean",
    "itl_p50_ms": "ITL p50",
    "itl_p95_ms": "ITL p95",
    "itl_p99_ms": "ITL p99",
    "itl_max_ms": "ITL max",
    "longest_stall_ms": "longest stall",
    "e2e_mean_ms": "E2E mean",
    "e2e_p99_ms": "E2E p99",
}


#: Of what a policy completes, by the key of its measures.
COMPLETED = "completed_requests"
INSTANCES = "mean_instances"


def report(verdict: Verdict, why: str = "") -> str:
    """The sentence and, if anything was compared, the numbers. why: lines that explain them."""
    if verdict.proof is None:
        return verdict.sentence
    question, proof = verdict.question, verdict.proof
    beside = f"load under {question.primary}: {proof.situation}\nstep times {stand_on(question.latency_model)}"
    parts = [verdict.sentence, comparisons(question, proof), latencies(question, proof)]
    if verdict.outlook is not None:
        parts.append(outlook_table(verdict.outlook, question.primary))
    return "\n\n".join(filter(None, [*parts, why, beside])) + _saved(verdict) + "\n"


def stand_on(latency_model: Mapping[str, Any]) -> str:
    """What step times stand on, and whether the intervals cover it."""
    facts = dict(latency_model)
    members = facts.pop("ensemble", 0)
    covered = f"; the intervals cover it: {members} members" if members else "; the intervals do not cover it"
    return f"{Standing(**facts)}{covered}" if facts else "not known"


def comparisons(question: Question, proof: Proof) -> str:
    """The winner against everything it was compared with; a fitness of +0.10 is about 10 % better."""
    marks = {proof.best_baseline: "best on selection", question.primary: "primary"}
    on_a_trace = isinstance(proof.baselines[question.primary], BlockComparison)
    headings = ("95 % block bootstrap",) if on_a_trace else ("95 % paired t", "95 % BCa")
    rows = [("the winner against", "fitness", *headings, "")]
    rows += [(name, *_cells(found), marks.get(name, "")) for name, found in proof.baselines.items()]
    halves = {"  its engine knobs alone": proof.knobs_alone, "  its router and admission alone": proof.policy_alone}
    beside = halves if divided(found.mean for found in halves.values()) else {}
    if proof.redrawn is not None:
        beside["  on a redrawn population"] = proof.redrawn.comparison
    nothing = ("",) * (len(headings) + 1)
    rows.append((f"against {question.primary}", "", *nothing))
    rows += [(name, *_cells(found), "") for name, found in beside.items()]
    rows += [(name, f"{signed(score)}", *nothing) for name, score in _scores(proof).items()]
    return aligned(rows) + f"\n{_tuned(proof.tuned_knobs)}"


def divided(halves: Iterable[float]) -> bool:
    """Whether both halves of a winner do anything: else one scores exactly 0, and the other is the winner itself."""
    return all(halves)


def latencies(question: Question, proof: Proof) -> str:
    """Means over the report tables, the winner's beside the primary baseline's; `blis run` prints the same numbers.

    They are of completed requests: how many these are is said where one policy completes more than the other.
    """
    title = measured_on(question.pools)
    both = [mean_of(found) for found in (proof.measured.winner, proof.measured.primary)]
    rows: list[Sequence[str]] = [(title, "winner", question.primary)]
    done = [found[COMPLETED] for found in both]
    if done[0] != done[1]:
        rows.append(("  requests completed", *(f"{number:.1f}" for number in done)))
    for key, name in LATENCIES.items():
        rows.append((f"  {name}", *("none" if found[key] is None else f"{found[key]:.1f} ms" for found in both)))
    hits = [found["prompt_hit_rate"] for found in both]
    rows.append(("  prompt blocks found in the cache", *("none" if hit is None else f"{hit:.1%}" for hit in hits)))
    instances = [found[INSTANCES] for found in both]
    if None not in instances and instances[0] != instances[1]:
        rows.append(("  instances, mean", *(f"{number:.2f}" for number in instances)))
    return aligned(rows)


def measured_on(pools: Mapping[str, Any]) -> str:
    """What latencies are means over: many tables, or one window of a trace. pools: as verdict.json has them."""
    window = isinstance(pools["report"], Mapping)
    return "report window and its warm-up" if window else "mean over the report tables"


def outlook_table(outlook: Outlook, primary: str) -> str:
    """What is to be deployed, and the best baseline if that is another, against the primary one in other worlds."""
    if outlook.robust is None:
        return ""
    rule = "best baseline" if any(one.best_baseline for one in outlook.robust.shifts) else ""
    rows = [(f"against {primary} under", outlook.subject, rule)]
    for one in outlook.robust.shifts:
        beside = "" if one.best_baseline is None else numbers(one.best_baseline)
        rows.append((f"  {one.shift}", numbers(one.policy), beside))
    reasons: dict[str, list[str]] = {}
    for name, reason in outlook.robust.left_out.items():
        reasons.setdefault(reason, []).append(name)
    return "\n".join([aligned(rows), *(f"left out: {', '.join(names)}: {why}" for why, names in reasons.items())])


def _saved(verdict: Verdict) -> str:
    """The last line: what is saved in instances, if that is known."""
    if verdict.outlook is None:
        return ""
    if verdict.outlook.saving is None:
        flaw = verdict.outlook.unsaved
        return flaw and f"\nwhat {verdict.outlook.subject} saves in instances is not known: {flaw}"
    return "\n" + verdict.outlook.saving.words(verdict.question.primary, verdict.outlook.subject)


def _tuned(tuned: TunedKnobs) -> str:
    """How the knobs of the primary were tuned, or why they were not."""
    if tuned.policy is None:
        return f"{tuned.name}: {tuned.flaw}"
    knobs = ", ".join(f"{name} {value}" for name, value in given_fields(tuned.policy.complete.engine).items())
    how = f"the best of {tuned.candidates} candidates, {tuned.share:.0%} of the budget, chosen as the winner is"
    return f"{tuned.name}: {knobs} ({how})"


def _cells(found: AnyComparison) -> tuple[str, ...]:
    """The mean and its intervals, as many as there are headings."""
    method = "" if found.bootstrap == BCA else f" {found.bootstrap}"
    mean, bounds = gain(found.mean, found.bounds)
    if isinstance(found, BlockComparison):
        return mean, bounds + method
    return mean, bounds, interval((found.bca_low, found.bca_high)) + method


def _scores(proof: Proof) -> dict[str, float]:
    """Single scores by what they are called."""
    found = {}
    if proof.random.median is not None and proof.random.best is not None:
        found[f"  {proof.random.n} random weights: median"] = proof.random.median
        found["  random weights: best"] = proof.random.best
    return {
        **found,
        "  winner on the search tables": proof.winner.search,
        "  optimism (search - report)": proof.winner.optimism,
    }
