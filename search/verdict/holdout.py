"""Where policies are compared on requests that the search never saw: drawn tables, or later windows of a trace."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from blis.comparison.blocks import Blocks, Scores, time_blocks, too_short
from blis.comparison.statistics import AnyComparison, BlockComparison, paired_comparison
from blis.errors import EngineError
from blis.workload.draw.pools import REPORT_POOL, SELECTION_POOL
from search.problem.policy import Policy
from search.problem.problem import Problem
from search.problem.traffic import Recorded
from search.running.evaluator import QUARANTINE, Evaluator
from search.running.performance import Measures, Performance
from search.settings import Settings
from search.verdict.resampling import scores_of_draws

#: The scores of draws of blocks, None if a fitness has none.
Scored = Callable[[Blocks], Scores | None]


class Holdout:
    """Fresh tables on which policies are compared, each simulated once."""

    def __init__(self, settings: Settings) -> None:
        """Nothing runs before it is asked for."""
        problem, sizes = settings.problem, settings.validation
        report = settings.pool(REPORT_POOL, sizes.report_seeds)
        shared = settings.workers, settings.run_dir / QUARANTINE, settings.scores
        self.settings = settings
        self._shared = shared
        self.selection = Evaluator(problem, settings.pool(SELECTION_POOL, sizes.selection_seeds), *shared)
        self.report = Evaluator(problem.nominal, report, *shared, closely=True)
        population = problem.traffic.redrawn()
        self.redrawn = Evaluator(problem.nominal.on(population), report, *shared) if population is not None else None

    def against(
        self, policy: Policy, others: Sequence[Policy], evaluator: Evaluator | None = None
    ) -> list[AnyComparison]:
        """A policy against each of the others themselves, on the report tables or those of another evaluator.

        Raises EngineError if one of them has no score.
        """
        evaluator = evaluator or self.report
        first, *rest = evaluator.performances([policy, *others])
        return [self._compare(evaluator, first, found) for found in rest]

    def beyond(self, policy: Policy, others: Sequence[Policy]) -> list[AnyComparison]:
        """How much more a policy scores against the primary baseline than each of the others, on the report tables.

        Near what it scores against them, but in the measure of the search: terms like harm depend on what a score is
        relative to. Raises EngineError as `against` does.
        """
        first, primary, *rest = self.report.performances([policy, self.settings.problem.against, *others])
        return [self._subtract(self.report, first, found, primary) for found in rest]

    def elsewhere(self, problem: Problem) -> Evaluator:
        """Where policies are compared in another world: on the first report tables, as they are drawn there."""
        return Evaluator(problem, self.settings.pool(REPORT_POOL, self.settings.validation.shift_seeds), *self._shared)

    def serves(self, policies: Sequence[Policy]) -> bool:
        """Whether any of them completes a scored request on any report table; the first that does settles it."""
        return any(one.served for policy in policies for one in self.reported(policy))

    def measured(self, policy: Policy) -> list[Measures]:
        """Latencies on every report table."""
        return [performance.measures for performance in self.reported(policy)]

    def reported(self, policy: Policy) -> list[Performance]:
        """What a policy does on every report table."""
        (found,) = self.report.performances([policy])
        return found

    def _compare(self, evaluator: Evaluator, x: Sequence[Performance], b: Sequence[Performance]) -> AnyComparison:
        """Two policies, from what they did on each table of an evaluator."""
        scores = [self._score(one, other) for one, other in zip(x, b, strict=True)]
        return paired_comparison(scores, self.settings.seed)

    def _subtract(
        self,
        evaluator: Evaluator,
        x: Sequence[Performance],
        b: Sequence[Performance],
        primary: Sequence[Performance],
    ) -> AnyComparison:
        """The scores of two policies against a third."""
        scores = [self._score(one, p) - self._score(other, p) for one, other, p in zip(x, b, primary, strict=True)]
        return paired_comparison(scores, self.settings.seed)

    def _score(self, one: Performance, other: Performance) -> float:
        """The score of one against the other. Raises EngineError if that is not a finite number."""
        value = float(self.settings.problem.fitness.compare(one.outcome, other.outcome).value)
        if not math.isfinite(value):
            raise EngineError(f"the fitness gives {value} for two policies on a table")
        return value


_MORE = " workload.windows.report gives it a larger share of the trace"


class TraceHoldout(Holdout):
    """The later windows of a trace: one table a pool, and intervals from blocks of its time."""

    def _compare(self, evaluator: Evaluator, x: Sequence[Performance], b: Sequence[Performance]) -> BlockComparison:
        """Two policies, from what they did on the report window: both meet the same blocks in every resample."""
        (one,), (other,), fitness = x, b, self.settings.problem.fitness

        def scored(blocks: Blocks) -> Scores | None:
            return scores_of_draws(fitness, one.outcome, other.outcome, blocks)

        return self._resampled(evaluator, (one, other), self._score(one, other), scored)

    def _subtract(
        self,
        evaluator: Evaluator,
        x: Sequence[Performance],
        b: Sequence[Performance],
        primary: Sequence[Performance],
    ) -> BlockComparison:
        """The scores of two policies against a third: all three meet the same blocks."""
        (one,), (other,), (base,), fitness = x, b, primary, self.settings.problem.fitness

        def scored(blocks: Blocks) -> Scores | None:
            ours = scores_of_draws(fitness, one.outcome, base.outcome, blocks)
            theirs = scores_of_draws(fitness, other.outcome, base.outcome, blocks)
            return None if ours is None or theirs is None else lambda times: ours(times) - theirs(times)

        mean = self._score(one, base) - self._score(other, base)
        return self._resampled(evaluator, (one, other, base), mean, scored)

    def _resampled(
        self, evaluator: Evaluator, all_: Sequence[Performance], mean: float, scored: Scored
    ) -> BlockComparison:
        """A mean with its interval. all_: what is compared; scored: the scores of draws of blocks."""
        table = evaluator.problem.table(*evaluator.seeds)
        arrival_us = table.soonest_us[table.scored_rows]
        e2e_p99_us = max(found.e2e_p99_ms for found in all_) * 1000
        blocks = time_blocks(arrival_us, e2e_p99_us)
        if blocks is None:
            return BlockComparison(mean, flaw=f"the report window is {too_short(arrival_us, e2e_p99_us)};{_MORE}")
        scores = scored(blocks)
        if scores is None:
            return BlockComparison(mean, flaw="this fitness gives no interval on a trace")
        found = blocks.interval(scores, self.settings.seed)
        if found is None:
            return BlockComparison(mean, flaw="no resample of its blocks of time has a score")
        return BlockComparison(mean, (found.low, found.high), blocks.count, blocks.length_us, found.method)


def make_holdout(settings: Settings) -> Holdout:
    """The holdout for the kind of requests that a search has."""
    return TraceHoldout(settings) if isinstance(settings.problem.traffic, Recorded) else Holdout(settings)
