"""From the best of a search to a verdict: rounding, selection on fresh requests, one report on others.

Source: default-problem.md section 3. Three disjoint pools of requests: the search saw the first, the winner
and the best baseline are chosen on the second, and only what was chosen runs on the third, once. Of a trace
they are windows, one after the other.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random
from zlib import crc32

import numpy as np

from blis.comparison.statistics import AnyComparison, Comparison, holm
from blis.latency.standing import standing
from blis.policies.bundle import PolicyBundle, load_bundle
from blis.workload.draw.pools import REPORT_POOL, SEARCH_POOL, SELECTION_POOL
from search.problem.policy import Policy
from search.running.archive import Archive
from search.running.evaluator import Evaluator
from search.settings import Settings
from search.space.parameters import Number
from search.verdict.advice import Advice, advise, keep
from search.verdict.finalists import Finalist, best_of, choose_finalists
from search.verdict.holdout import Holdout
from search.verdict.judgement import judge
from search.verdict.meaning import situation
from search.verdict.outlook import outlook
from search.verdict.sentence import advice_words, sentence
from search.verdict.simplify import simplify
from search.verdict.tuned_knobs import TunedKnobs, tune_knobs
from search.verdict.verdict import FAILED, Measured, Proof, Question, RandomPolicies, Redrawn, SoFar, Verdict, Winner

NO_SCORE = "No candidate of the search has a score."
NO_NEW_POLICY = "There is nothing to prove: every policy of the search space that has a score is a baseline."
NOTHING_SERVED = "Nothing was served: no request that is scored is completed under any policy."
EXHAUSTED = "The search ended early: every policy of the search space was tried."

#: The weights of the random policies: as the default space draws them, from a stream of their own.
RANDOM_WEIGHT = Number(0.01, 1.0, log=True, zero_probability=0.3)
RANDOM_SCORERS = ("prefix-affinity", "queue-depth", "queue-waiting", "kv-utilization", "load-balance")


def validate(settings: Settings, archive: Archive, evaluator: Evaluator, holdout: Holdout) -> Verdict:
    """The verdict on a finished search. evaluator: the search's, on its tables; holdout: tables that it never saw.

    Raises EngineError if the winner or a baseline has no score on a report table.
    """
    finalists = choose_finalists(settings, archive, evaluator)
    selected = holdout.selection.evaluate([finalist.policy for finalist in finalists])
    chosen = best_of([found.fitness for found in selected])
    if chosen is None:
        return unproved(settings, archive, FAILED, NO_NEW_POLICY if archive.exhausted() else NO_SCORE)
    tuned = tune_knobs(settings, evaluator, holdout.selection)
    baselines = {**settings.baselines, **tuned.baselines}
    best = best_of([found.fitness for found in holdout.selection.evaluate(list(baselines.values()))])
    best_baseline = settings.primary if best is None else list(baselines)[best]
    if not holdout.serves([*baselines.values(), finalists[chosen].policy]):
        return unproved(settings, archive, FAILED, NOTHING_SERVED)
    finalist = _simplified(finalists[chosen], evaluator, holdout)
    (selection,) = holdout.selection.evaluate([finalist.policy])
    proof = prove(holdout, finalist, selection.nominal, tuned, best_baseline)
    words = sentence(proof.judgement, proof.baselines, settings.primary, best_baseline, tuned.name)
    candidate = finalist.policy
    advice = _advice(holdout, candidate, proof)
    expected = outlook(holdout, advice, candidate, baselines[best_baseline])
    ending = [expected.sentence, EXHAUSTED if archive.exhausted() else ""]
    text = " ".join(filter(None, [advice_words(advice), *proof.situation.preface, words, *ending]))
    return Verdict(proof.judgement.outcome, text, candidate, advice, question(settings), proof, expected)


def prove(
    holdout: Holdout, finalist: Finalist, selection: float | None, tuned: TunedKnobs, best_baseline: str
) -> Proof:
    """The winner against all baselines on the report tables, once, and what stands beside that."""
    settings, primary = holdout.settings, holdout.settings.problem.against
    winner, baselines = finalist.policy, {**settings.baselines, **tuned.baselines}
    comparisons = dict(zip(baselines, holdout.against(winner, list(baselines.values())), strict=True))
    # Holm needs p values; a bootstrap over blocks of time gives none.
    p_values = {name: c.p_value for name, c in comparisons.items() if isinstance(c, Comparison)}
    adjusted = dict(zip(p_values, holm(list(p_values.values())), strict=True))
    report = comparisons[settings.primary].mean
    assert selection is not None  # what was chosen by it has it
    return Proof(
        judge(comparisons, adjusted, settings.primary, settings.validation.worth),
        Winner(winner.id, finalist.search, finalist.rounded, selection, report, finalist.set_back),
        best_baseline,
        comparisons,
        adjusted,
        tuned,
        knobs_alone=_with_knobs(holdout, primary, winner),
        policy_alone=_with_knobs(holdout, winner, primary),
        redrawn=_redrawn(holdout, winner),
        random=_random_policies(holdout),
        measured=Measured(holdout.report.seeds, holdout.measured(winner), holdout.measured(primary)),
        situation=situation(settings, holdout.reported(primary)),
    )


def unproved(settings: Settings, archive: Archive, outcome: str, text: str) -> Verdict:
    """The verdict on a search that was not judged: nothing is to be changed; its best policy so far has no claim."""
    best = next(iter(archive.top(1)), None)
    policy = best.policy.spelled_out() if best and best.policy else None
    known = (best.evaluation.genome_id, best.evaluation.fitness) if best else ()
    advice, so_far = keep(settings.primary, settings.problem.against.spelled_out()), SoFar(len(archive.rows), *known)
    words = text if outcome == FAILED else f"{advice_words(advice)} {text}"
    return Verdict(outcome, words, policy, advice, question(settings), so_far)


def _simplified(finalist: Finalist, evaluator: Evaluator, holdout: Holdout) -> Finalist:
    """A finalist without the differences from the primary baseline that cost nothing."""
    found = simplify(finalist.policy, holdout.selection, holdout.settings.validation.simplicity_share)
    rounded = evaluator.evaluate([found.policy])[0].nominal
    return finalist if rounded is None else Finalist(found.policy, finalist.search, rounded, found.set_back)


def _advice(holdout: Holdout, candidate: Policy, proof: Proof) -> Advice:
    """What to deploy after a proof."""
    settings = holdout.settings
    baselines = {**settings.baselines, **proof.tuned_knobs.baselines}
    primary, rule = ((name, baselines[name].spelled_out()) for name in (settings.primary, proof.best_baseline))
    rule_against = None if rule == primary else holdout.against(rule[1], [primary[1]])[0]
    return advise(candidate, proof.baselines, primary, rule, rule_against)


def question(settings: Settings) -> Question:
    """What every verdict is about."""
    sizes, traffic = settings.validation, settings.problem.traffic
    pools = {
        "search": traffic.facts(SEARCH_POOL, sizes.search_seeds),
        "selection": traffic.facts(SELECTION_POOL, sizes.selection_seeds),
        "report": traffic.facts(REPORT_POOL, sizes.report_seeds),
    }
    model = settings.problem.scenario.instance.latency_model
    grounds = {**standing(model).to_dict(), "ensemble": model.ensemble}
    return Question(settings.primary, settings.seed, settings.driver.seconds is None, pools, grounds)


def _with_knobs(holdout: Holdout, policy: Policy, knobs: Policy) -> AnyComparison:
    """A policy with the engine knobs of another, against the primary baseline."""
    problem = holdout.settings.problem
    mixed = problem.policy(replace(policy.complete, engine=knobs.complete.engine))
    return holdout.against(mixed, [problem.against])[0]


def _redrawn(holdout: Holdout, winner: Policy) -> Redrawn | None:
    """The winner with another population, where there is one."""
    if holdout.redrawn is None:
        return None
    (comparison,) = holdout.against(winner, [holdout.settings.problem.against], holdout.redrawn)
    return Redrawn(comparison, holdout.redrawn.problem.workload.seed)


def _random_policies(holdout: Holdout) -> RandomPolicies:
    """What luck would have found."""
    problem, n = holdout.settings.problem, holdout.settings.validation.random_policies
    policies = [problem.policy(bundle) for bundle in random_bundles(problem.against.complete, n)]
    scores = [found.fitness for found in holdout.report.evaluate(policies) if found.fitness is not None]
    median = float(np.median(scores)) if scores else None
    return RandomPolicies(len(scores), median, max(scores, default=None))


def random_bundles(primary: PolicyBundle, n: int) -> list[PolicyBundle]:
    """Fixed policies with random router weights and the primary baseline's everything else."""
    rng = Random(crc32(b"random-policies"))
    policies: list[PolicyBundle] = []
    while len(policies) < n:
        weights = {name: RANDOM_WEIGHT.sample(rng) for name in RANDOM_SCORERS}
        scorers = [{"name": name, "weight": weight} for name, weight in weights.items() if weight]
        if scorers:
            routing = {"policy": "weighted", "tie_break": "random", "scorers": scorers}
            policies.append(replace(primary, routing=load_bundle({"routing": routing}).routing))
    return policies
