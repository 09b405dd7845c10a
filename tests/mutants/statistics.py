"""Faults in the statistics of differences: intervals, p values, the correction for many comparisons, blocks of time."""

from __future__ import annotations

from tests.mutants import Mutant

_STATISTICS = "blis/comparison/statistics.py"
_BLOCKS, _WINDOWS = "blis/comparison/blocks.py", "blis/workload/windows.py"
_TESTS = ("tests/blis/comparison/test_statistics.py",)
_BLOCKS_TESTS = ("tests/blis/comparison/test_blocks.py",)
_WINDOWS_TESTS = ("tests/blis/workload/test_windows.py",)

MUTANTS = (
    Mutant(_STATISTICS, "stats.t.ppf((1 + level) / 2,", "stats.t.ppf(level,", _TESTS, "a one-sided t interval"),
    Mutant(_STATISTICS, "/ 2, len(values) - 1)) * error", "/ 2, len(values))) * error", _TESTS, "n degrees of freedom"),
    Mutant(
        _STATISTICS,
        "return mean - reach, mean + reach",
        "return mean - reach / 2, mean + reach",
        _TESTS,
        "a lop-sided interval",
    ),
    Mutant(_STATISTICS, "return float(2 * stats.t.sf(", "return float(stats.t.sf(", _TESTS, "a one-sided p value"),
    Mutant(
        _STATISTICS, "stats.t.sf(abs(mean) / error", "stats.t.sf(mean / error", _TESTS, "a loss has a p value near 2"
    ),
    Mutant(_STATISTICS, "return 1.0 if mean == 0 else 0.0", "return 0.0", _TESTS, "equal policies differ for certain"),
    Mutant(_STATISTICS, "values.std(ddof=1)", "values.std()", _TESTS, "the standard deviation of a population"),
    Mutant(_STATISTICS, "/ float(np.sqrt(len(values)))", "/ len(values)", _TESTS, "the error shrinks with n"),
    Mutant(
        _STATISTICS,
        "if (values == values[0]).all():\n        return 0.0\n    return float",
        "return float",
        _TESTS,
        "equal differences have an error by rounding",
    ),
    Mutant(
        _STATISTICS,
        'n_resamples=n_boot,\n            method="BCa",',
        'n_resamples=n_boot,\n            method="percentile",',
        _TESTS,
        "a percentile bootstrap for BCa",
    ),
    Mutant(
        _STATISTICS,
        'method="BCa",\n            rng=stream(seed, ',
        'method="BCa",\n            rng=stream(0, ',
        _TESTS,
        "the bootstrap ignores its seed",
    ),
    Mutant(_STATISTICS, "if np.ptp(values) > close:", "if np.ptp(values) > 0:", _TESTS, "rounding makes an interval"),
    Mutant(
        _STATISTICS,
        "np.full_like(values, 0.0 if abs(values[0]) <= close else values[0])",
        "np.full_like(values, values[0])",
        _TESTS,
        "rounding proves a gain",
    ),
    Mutant(_STATISTICS, "np.nanquantile(found", "np.quantile(found", _TESTS, "an empty resample leaves no interval"),
    Mutant(
        _STATISTICS,
        "minlength=len(drawn) * n_blocks).reshape(-1, n_blocks)",
        "minlength=len(drawn) * n_blocks).reshape(-1, n_blocks).clip(max=1)",
        _TESTS,
        "a block drawn twice counts once",
    ),
    Mutant(_STATISTICS, "(len(p_values) - rank) * p_values", "len(p_values) * p_values", _TESTS, "Bonferroni for Holm"),
    Mutant(
        _STATISTICS, "largest = max(largest, min(1.0,", "largest = max(0.0, min(1.0,", _TESTS, "adjusted p values fall"
    ),
    Mutant(_STATISTICS, "largest = max(largest, min(1.0, (", "largest = max(largest, ((", _TESTS, "p values above 1"),
    Mutant(
        _STATISTICS, "adjusted[position] = largest", "adjusted[rank] = largest", _TESTS, "p values in another order"
    ),
    Mutant(_STATISTICS, "or len(values) < 2:", "or len(values) < 1:", _TESTS, "an interval from one table"),
    Mutant(
        _STATISTICS,
        "if not np.isfinite(values).all():",
        "if np.isinf(values).all():",
        _TESTS,
        "differences that are no numbers are taken",
    ),
    Mutant(
        _STATISTICS,
        "return self.t_low, self.t_high",
        "return self.bca_low, self.bca_high",
        ("tests/search/verdict/test_verdict.py", *_TESTS),
        "verdicts rest on the bootstrap",
    ),
    Mutant(_BLOCKS, "if count < MIN_BLOCKS:", "if count < 1:", _BLOCKS_TESTS, "an interval from few blocks"),
    Mutant(_BLOCKS, "BLOCK_PER_E2E = 5", "BLOCK_PER_E2E = 1", _BLOCKS_TESTS, "blocks shorter than five requests"),
    Mutant(
        _BLOCKS,
        "max(e2e_p99_us, 1.0))), MAX_BLOCKS)",
        "max(e2e_p99_us, 1.0))))",
        _BLOCKS_TESTS,
        "blocks without a limit to their number",
    ),
    Mutant(
        _BLOCKS,
        "since_us = arrival_us - arrival_us.min()",
        "since_us = arrival_us",
        _BLOCKS_TESTS,
        "blocks from time 0",
    ),
    Mutant(
        _BLOCKS,
        "np.minimum(since_us // length_us, span_us // length_us - 1)",
        "since_us // length_us",
        _BLOCKS_TESTS,
        "the rest is a block of its own",
    ),
    Mutant(
        _BLOCKS,
        "(drawn[self.of_row] for drawn in times)",
        "(np.minimum(drawn[self.of_row], 1) for drawn in times)",
        _BLOCKS_TESTS,
        "a block drawn twice counts once",
    ),
    Mutant(
        _BLOCKS,
        "[score(rows) if rows.any() else np.nan for rows in by_row]",
        "[score(rows) for rows in by_row]",
        _BLOCKS_TESTS,
        "nothing at all is scored",
    ),
    Mutant(
        _BLOCKS,
        "return block_interval(scores, self.count, seed)",
        "return block_interval(scores, self.count, 0)",
        _BLOCKS_TESTS,
        "blocks ignore their seed",
    ),
    Mutant(
        _WINDOWS,
        "np.searchsorted(cut.opened_us, (start - warmup_us, start, end))",
        "np.searchsorted(cut.opened_us, (start, start, end))",
        _WINDOWS_TESTS,
        "windows have no warm-up",
    ),
    Mutant(
        _WINDOWS,
        "scored=(scored - first, last - first)",
        "scored=(0, last - first)",
        _WINDOWS_TESTS,
        "the warm-up is scored",
    ),
    Mutant(
        _WINDOWS,
        "rows.arrival_us - origin_us)",
        "rows.arrival_us - 0)",
        _WINDOWS_TESTS,
        "windows start late",
    ),
    Mutant(
        _WINDOWS,
        "begin = table.first_arrival_us + warmup_us",
        "begin = table.first_arrival_us",
        _WINDOWS_TESTS,
        "the first window begins in its warm-up",
    ),
)
