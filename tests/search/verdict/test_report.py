"""What the terminal shows of a verdict."""

from dataclasses import replace

import pytest

from blis.comparison.statistics import PERCENTILE
from search.verdict.advice import keep
from search.verdict.outlook import Outlook
from search.verdict.report import report
from search.verdict.robustness import Robustness, UnderShift
from search.verdict.saving import Saving
from search.verdict.verdict import INTERRUPTED, Question, SoFar, Verdict
from tests.search.verdict.comparisons import MEASURES, POLICY, drawn_verdict, interval, trace_verdict


def test_drawn_tables():
    assert (
        report(drawn_verdict())
        == """\
It is so.

the winner against                fitness  95 % paired t     95 % BCa
llm-d                             +0.060   [+0.050, +0.070]  [+0.050, +0.070]  primary
blis                              +0.040   [-0.010, +0.090]  [-0.010, +0.090]  best on selection
against llm-d
  its engine knobs alone          +0.060   [+0.050, +0.070]  [+0.050, +0.070]
  its router and admission alone  +0.060   [+0.050, +0.070]  [+0.050, +0.070]
  on a redrawn population         +0.020   [+0.010, +0.030]  [+0.010, +0.030]
  3 random weights: median        -1.500
  random weights: best            +0.250
  winner on the search tables     +0.500
  optimism (search - report)      +0.440
llm-d-tuned-knobs: not searched: the search space names no engine knob

mean over the report tables         winner     llm-d
  TTFT mean                         50.0 ms    50.0 ms
  TTFT p99                          250.0 ms   250.0 ms
  TPOT mean                         10.0 ms    10.0 ms
  ITL mean                          11.0 ms    11.0 ms
  ITL p50                           10.5 ms    10.5 ms
  ITL p95                           20.0 ms    20.0 ms
  ITL p99                           33.0 ms    33.0 ms
  ITL max                           480.0 ms   480.0 ms
  longest stall                     490.0 ms   490.0 ms
  E2E mean                          2000.0 ms  2000.0 ms
  E2E p99                           9000.0 ms  9000.0 ms
  prompt blocks found in the cache  75.0%      75.0%

load under llm-d: 4 instances, computing 50.0% of the time, 56 requests/s offered, 54.2 served, 12.5% of the\
 requests waited or were not served
step times fitted to a.csv; E2E off by 2.5 % on what the fit did not see; the intervals cover it: 16 members
"""
    )


@pytest.mark.parametrize(
    ("standing", "said"),
    [
        ({}, "step times not known"),
        (
            {"state": "datasheet", "source": "roofline of x on y", "error_percent": 10.0, "n": 0, "ensemble": 0},
            "step times datasheet: roofline of x on y; expect an error of about 10 %; the intervals do not cover it",
        ),
    ],
)
def test_what_step_times_stand_on(standing, said):
    verdict = drawn_verdict()
    question = replace(verdict.question, latency_model=standing)
    assert report(replace(verdict, question=question)).splitlines()[-1] == said


def test_a_trace_has_one_kind_of_interval_and_no_other_population():
    lines = report(trace_verdict()).splitlines()
    assert lines[2] == "the winner against                fitness  95 % block bootstrap"
    assert lines[3].split("  ")[-1] == "primary"
    assert not any("redrawn" in line or "random" in line for line in lines)
    assert "report window and its warm-up       winner     llm-d" in lines


def test_where_nothing_was_completed_nothing_was_measured():
    verdict = drawn_verdict()
    nothing = replace(MEASURES, completed_requests=0, ttft_p99_ms=0.0)
    measured = replace(verdict.proof.measured, primary=(nothing, nothing))
    lines = report(replace(verdict, evidence=replace(verdict.proof, measured=measured))).splitlines()
    assert "  TTFT p99                          250.0 ms   none" in lines
    assert "  prompt blocks found in the cache  75.0%      none" in lines


def test_a_latency_that_nobody_had_is_none():
    verdict = drawn_verdict()
    silent = replace(MEASURES, ttft_mean_ms=None, longest_stall_ms=None)
    measured = replace(verdict.proof.measured, winner=(silent, silent))
    lines = report(replace(verdict, evidence=replace(verdict.proof, measured=measured))).splitlines()
    assert "  TTFT mean                         none       50.0 ms" in lines
    assert "  longest stall                     none       490.0 ms" in lines
    assert "  E2E p99                           9000.0 ms  9000.0 ms" in lines


def test_how_many_requests_latencies_are_of_is_told_where_that_differs():
    verdict = drawn_verdict()
    assert "requests completed" not in report(verdict)
    fewer = replace(MEASURES, completed_requests=3000)
    measured = replace(verdict.proof.measured, winner=(fewer, MEASURES))
    lines = report(replace(verdict, evidence=replace(verdict.proof, measured=measured))).splitlines()
    (line,) = [line for line in lines if line.startswith("  requests completed")]
    assert line.split()[2:] == [f"{(3000 + MEASURES.completed_requests) / 2:.1f}", f"{MEASURES.completed_requests:.1f}"]


def test_how_many_instances_there_were_is_told_where_that_differs():
    verdict = drawn_verdict()
    assert "instances, mean" not in report(verdict)
    measured = replace(verdict.proof.measured, winner=(replace(MEASURES, mean_instances=3.5), MEASURES))
    lines = report(replace(verdict, evidence=replace(verdict.proof, measured=measured))).splitlines()
    (line,) = [line for line in lines if line.startswith("  instances, mean")]
    assert line.split()[2:] == ["3.75", "4.00"]


def test_halves_stand_only_where_the_winner_has_two():
    verdict = drawn_verdict()
    nothing = interval(0.0, 0.0)
    text = report(replace(verdict, evidence=replace(verdict.proof, knobs_alone=nothing)))
    assert "alone" not in text and "on a redrawn population" in text


def test_an_interval_that_is_not_bca_says_so():
    verdict = drawn_verdict()
    found = replace(verdict.proof.baselines["blis"], bootstrap=PERCENTILE)
    proof = replace(verdict.proof, baselines={**verdict.proof.baselines, "blis": found})
    first, second = report(replace(verdict, evidence=proof)).splitlines()[3:5]
    assert "percentile" not in first
    assert "[-0.010, +0.090]  [-0.010, +0.090] percentile  best on selection" in second


def test_without_a_proof_only_the_sentence():
    verdict = Verdict(
        INTERRUPTED, "Interrupted.", POLICY, keep("llm-d", POLICY), Question("llm-d", 1, True, {}), SoFar(3)
    )
    assert report(verdict) == "Interrupted."


def test_other_worlds_and_what_is_saved_stand_at_the_end():
    shifts = [
        UnderShift("rate x1.2", interval(0.01, 0.03), interval(-0.02, 0.04)),
        UnderShift("b", interval(-0.2, -0.1)),
    ]
    saved = Saving(0.95, 58.5, 68.8, None, 4, 3.4, None)
    outlook = Outlook(
        "the policy found", Robustness(shifts, {"c": "it changes nothing here", "d": "no", "e": "no"}), saved
    )
    told = report(replace(drawn_verdict(), outlook=outlook))
    assert (
        """

against llm-d under  the policy found         best baseline
  rate x1.2          +0.020 [+0.010, +0.030]  +0.010 [-0.020, +0.040]
  b                  -0.150 [-0.200, -0.100]
left out: c: it changes nothing here
left out: d, e: no

load under"""
        in told
    )
    assert told.splitlines()[-1] == saved.words("llm-d", "the policy found")


def test_without_them_nothing_is_said():
    assert report(replace(drawn_verdict(), outlook=Outlook("lmetric", None, None))) == report(drawn_verdict())


def test_what_could_not_be_found_of_the_saving_is_said():
    verdict = replace(drawn_verdict(), outlook=Outlook("the policy found", None, None, "too fast"))
    told = report(verdict)
    assert told.splitlines()[-1] == "what the policy found saves in instances is not known: too fast"
