"""Comparisons and verdicts by hand."""

from dataclasses import replace

from blis.comparison.statistics import BlockComparison, Comparison, holm
from blis.evaluation.load import Load
from blis.policies.bundle import load_bundle
from search.problem.policy import Policy
from search.running.performance import Measures
from search.verdict.advice import CANDIDATE, Advice
from search.verdict.judgement import judge
from search.verdict.meaning import Situation
from search.verdict.tuned_knobs import TunedKnobs
from search.verdict.verdict import Measured, Proof, Question, RandomPolicies, Redrawn, Verdict, Winner

BUNDLE = load_bundle({"scheduler": "fcfs"})
POLICY = Policy(BUNDLE, BUNDLE, None, "0123456789ab")
TUNED = TunedKnobs("llm-d-tuned-knobs", flaw="not searched: the search space names no engine knob")
SITUATION = Situation(None, Load(4.0, 0.5, 56.0, 54.25, 0.125), 0.75, ())
NO_RANDOM = RandomPolicies(0, None, None)
MEASURES = Measures(100, 50.0, 250.0, 10.0, 11.0, 10.5, 20.0, 33.0, 480.0, 490.0, 2000.0, 9000.0, 0.75, 4.0)


def interval(low, high, p=None):
    mean = (low + high) / 2
    return Comparison(mean, low, high, low, high, p if p is not None else (0.5 if low <= 0 <= high else 0.001), 32)


def by_blocks(low, high):
    return BlockComparison((low + high) / 2, (low, high), blocks=12, block_us=2_500_000)


def compared(**intervals):
    return {name.replace("_", "-"): interval(*bounds) for name, bounds in intervals.items()}


def judged(comparisons):
    """The judgement against `llm-d`."""
    adjusted = dict(zip(comparisons, holm([c.p_value for c in comparisons.values()]), strict=True))
    return judge(comparisons, adjusted, "llm-d", 0.01)


def verdict_of(comparisons, *, p_holm, pools, redrawn=None, random=NO_RANDOM):
    """A proved verdict against `llm-d` on two tables, with every half as good as the whole."""
    judgement = judge(comparisons, p_holm, "llm-d", 0.01)
    whole = comparisons["llm-d"]
    scores = Winner("0123456789ab", 0.5, 0.4, 0.3, whole.mean)
    measured = Measured((7, 8), (MEASURES, MEASURES), (MEASURES, MEASURES))
    proof = Proof(
        judgement, scores, "blis", comparisons, p_holm, TUNED, whole, whole, redrawn, random, measured, SITUATION
    )
    advice = Advice(CANDIDATE, "", POLICY, whole)
    return Verdict(judgement.outcome, "It is so.", POLICY, advice, Question("llm-d", 1, True, pools), proof)


#: What the step times of a drawn verdict stand on.
FITTED = {"state": "fitted", "source": "a.csv", "error_percent": 2.5, "n": 60, "error_of": "e2e", "ensemble": 16}


def drawn_verdict():
    """A verdict on drawn tables, with everything that there can be."""
    comparisons = compared(llm_d=(0.05, 0.07), blis=(-0.01, 0.09))
    redrawn, random = Redrawn(interval(0.01, 0.03), 2), RandomPolicies(3, -1.5, 0.25)
    p_holm = {"llm-d": 0.002, "blis": 0.5}
    verdict = verdict_of(comparisons, p_holm=p_holm, pools={"report": [7, 8]}, redrawn=redrawn, random=random)
    return replace(verdict, question=replace(verdict.question, latency_model=FITTED))


def trace_verdict():
    """A verdict on a trace."""
    comparisons = {"llm-d": by_blocks(0.05, 0.07), "blis": by_blocks(-0.01, 0.09)}
    return verdict_of(
        comparisons, p_holm={}, pools={"report": {"window": "report", "start_s": 7.5, "end_s": 20.0, "requests": 99}}
    )
