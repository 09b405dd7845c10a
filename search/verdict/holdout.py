"""Where policies are compared on requests that the search never saw: drawn tables, or later windows of a trace."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from blis.comparison.statistics import AnyComparison, BlockComparison, block_interval, paired_comparison
from blis.workload.draw.pools import REPORT_POOL, SELECTION_POOL
from blis.workload.windows import BLOCK_PER_E2E, MIN_BLOCKS, block_length_us, time_blocks
from search.problem.policy import Policy
from search.problem.traffic import Recorded
from search.running.evaluator import QUARANTINE, Evaluator
from search.running.performance import Measures, Performance
from search.settings import Settings


class Holdout:
    """Fresh tables on which policies are compared, each simulated once."""

    def __init__(self, settings: Settings) -> None:
        """Nothing runs before it is asked for."""
        problem, sizes = settings.problem, settings.validation
        report = settings.pool(REPORT_POOL, sizes.report_seeds)
        shared = settings.workers, settings.run_dir / QUARANTINE
        self.settings = settings
        self.selection = Evaluator(problem, settings.pool(SELECTION_POOL, sizes.selection_seeds), *shared)
        self.report = Evaluator(problem, report, *shared)
        population = problem.traffic.redrawn()
        self.redrawn = Evaluator(problem.on(population), report, *shared) if population is not None else None

    def against(
        self, policy: Policy, others: Sequence[Policy], evaluator: Evaluator | None = None
    ) -> list[AnyComparison]:
        """A policy against each of the others themselves, on the report tables or those of another evaluator.

        Raises EngineError if one of them has no score.
        """
        first, *rest = (evaluator or self.report).performances([policy, *others])
        return [self._compare(first, found) for found in rest]

    def measured(self, policy: Policy) -> list[Measures]:
        """Latencies on every report table."""
        (found,) = self.report.performances([policy])
        return [performance.measures for performance in found]

    def _compare(self, x: Sequence[Performance], b: Sequence[Performance]) -> AnyComparison:
        """Two policies, from what they did on each table."""
        compare = self.settings.problem.fitness.compare
        scores = [compare(one.outcome, other.outcome).value for one, other in zip(x, b, strict=True)]
        return paired_comparison(scores, self.settings.seed)


class TraceHoldout(Holdout):
    """The later windows of a trace: one table a pool, and intervals from blocks of its time."""

    def __init__(self, settings: Settings) -> None:
        """Nothing runs before it is asked for."""
        super().__init__(settings)
        self.table = settings.problem.table(*self.report.seeds)

    def _compare(self, x: Sequence[Performance], b: Sequence[Performance]) -> BlockComparison:
        """Two policies, from what they did on the report window: both meet the same blocks in every resample."""
        x_outcome, b_outcome = x[0].outcome, b[0].outcome
        fitness, arrival_us = self.settings.problem.fitness, self.table.arrival_us[self.table.scored_rows]
        mean = float(fitness.compare(x_outcome, b_outcome).value)
        span_us = int(arrival_us[-1] - arrival_us[0]) + 1
        e2e_p99_us = max(x[0].measures.e2e_p99_ms, b[0].measures.e2e_p99_ms) * 1000
        block_us = block_length_us(span_us, max(e2e_p99_us, 1.0))
        if block_us is None:
            needed_s = MIN_BLOCKS * BLOCK_PER_E2E * e2e_p99_us / 1e6
            span = f"{span_us / 1e6:.0f} s, and {MIN_BLOCKS} blocks of {BLOCK_PER_E2E} × E2E p99 take {needed_s:.0f} s"
            return BlockComparison(mean, flaw=f"the report window is too short for an interval: {span}")
        blocks = time_blocks(arrival_us, block_us)
        n_blocks = int(blocks[-1]) + 1

        def score(times: NDArray[np.int64]) -> float | None:
            by_row = times[blocks]
            return fitness.compare_resampled(x_outcome, b_outcome, by_row) if by_row.any() else np.nan

        if score(np.ones(n_blocks, np.int64)) is None:
            return BlockComparison(mean, flaw="this fitness gives no interval on a trace")
        return BlockComparison(mean, block_interval(score, n_blocks, self.settings.seed), n_blocks, block_us)


def make_holdout(settings: Settings) -> Holdout:
    """The holdout for the kind of requests that a search has."""
    return TraceHoldout(settings) if isinstance(settings.problem.traffic, Recorded) else Holdout(settings)
