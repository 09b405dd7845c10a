"""Faults in the proof: what is chosen on which requests, and what a verdict says of it."""

from __future__ import annotations

from tests.mutants import Mutant

_VALIDATION, _HOLDOUT = "search/verdict/validation.py", "search/verdict/holdout.py"
_POOLS = ("tests/search/verdict/test_validation.py",)

MUTANTS = (
    Mutant(
        _VALIDATION,
        "scores = [found.fitness for found in holdout.selection.evaluate([finalist",
        "scores = [found.fitness for found in evaluator.evaluate([finalist",
        _POOLS,
        "the winner is chosen on the search tables",
    ),
    Mutant(
        _VALIDATION,
        "scores = [found.fitness for found in holdout.selection.evaluate([finalist",
        "scores = [found.fitness for found in holdout.report.evaluate([finalist",
        _POOLS,
        "the winner is chosen on the report tables",
    ),
    Mutant(
        _HOLDOUT,
        "self.selection = Evaluator(problem, settings.pool(SELECTION_POOL, sizes.selection_seeds)",
        "self.selection = Evaluator(problem, settings.pool('pool/search', sizes.selection_seeds)",
        _POOLS,
        "the selection tables are the search's",
    ),
    Mutant(
        _HOLDOUT,
        "report = settings.pool(REPORT_POOL, sizes.report_seeds)",
        "report = settings.pool(SELECTION_POOL, sizes.report_seeds)",
        _POOLS,
        "the report tables are the selection's",
    ),
    Mutant(
        _VALIDATION,
        "best_of([found.fitness for found in holdout.selection.evaluate(baselines)])",
        "best_of([found.fitness for found in holdout.report.evaluate(baselines)])",
        _POOLS,
        "the best baseline is chosen on the report tables",
    ),
    Mutant(
        _VALIDATION,
        "best_of([found.fitness for found in holdout.selection.evaluate(baselines)])",
        "best_of([found.fitness for found in evaluator.evaluate(baselines)])",
        _POOLS,
        "the best baseline is chosen on the search tables",
    ),
    Mutant(
        _VALIDATION,
        '"search": winner.search,\n',
        '"search": winner.rounded,\n',
        _POOLS,
        "the score before the rounding is the one after it",
    ),
    Mutant(
        _VALIDATION,
        '"selection": scores[chosen],',
        '"selection": winner.search,',
        _POOLS,
        "the selection score is the search's",
    ),
    Mutant(
        _VALIDATION,
        '"report": primary.mean,',
        '"report": scores[chosen],',
        _POOLS,
        "the report score is the selection's",
    ),
    Mutant(
        _VALIDATION,
        '"optimism": winner.search - primary.mean,',
        '"optimism": winner.search - (scores[chosen] or 0.0),',
        _POOLS,
        "optimism is measured against the selection tables",
    ),
    Mutant(
        _VALIDATION,
        '"knobs_alone": replace(primary, engine=winner.engine)',
        '"knobs_alone": replace(winner, engine=primary.engine)',
        _POOLS,
        "the knobs alone are the router alone",
    ),
    Mutant(
        _VALIDATION,
        '"policy_alone": replace(winner, engine=primary.engine)',
        '"policy_alone": winner',
        _POOLS,
        "the router alone keeps the winner's knobs",
    ),
    Mutant(
        _HOLDOUT,
        "Evaluator(problem.on(population), report, *shared)",
        "Evaluator(problem, report, *shared)",
        _POOLS,
        "the redrawn population is the same one",
    ),
    Mutant(
        "search/problem/traffic.py",
        "return Drawn(replace(self.spec, seed=self.spec.seed + 1))",
        "return self",
        _POOLS,
        "the redrawn traffic is the same one",
    ),
    Mutant(
        _VALIDATION,
        "holdout.against(winner, [baseline], holdout.redrawn)",
        "holdout.against(winner, [baseline])",
        _POOLS,
        "the redrawn population is not used",
    ),
    Mutant(
        _VALIDATION,
        "randoms = holdout.report.evaluate(",
        "randoms = holdout.selection.evaluate(",
        _POOLS,
        "random weights are scored on the selection tables",
    ),
    Mutant(
        _VALIDATION,
        '"best": max(scores, default=None)',
        '"best": min(scores, default=None)',
        _POOLS,
        "the best of random weights is the worst",
    ),
    Mutant(
        _VALIDATION,
        "ours, theirs = holdout.measured(winner), holdout.measured(holdout.settings.problem.baseline)",
        "theirs, ours = holdout.measured(winner), holdout.measured(holdout.settings.problem.baseline)",
        _POOLS,
        "the winner's latencies and the baseline's are exchanged",
    ),
)
