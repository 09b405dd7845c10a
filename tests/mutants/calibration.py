"""Faults in the readers of logs and in holding a simulation against them."""

from __future__ import annotations

from tests.mutants import Mutant

_BUILD = "blis/workload/recorded/build.py"
_BENCH = "blis/workload/recorded/vllm_bench.py"
_PAIRS = "blis/calibration/pairs.py"
_COMPARE = "blis/calibration/compare.py"
_LINES = "blis/calibration/timelines.py"
_UNQUEUED = "blis/calibration/unqueued.py"

MUTANTS = (
    Mutant(
        _BUILD,
        "rows = np.flatnonzero(good & in_order)",
        "rows = np.flatnonzero(good)",
        ("tests/blis/workload/recorded/test_build.py",),
        "requests are compared whose tokens came before them",
    ),
    Mutant(
        _BUILD,
        'rows = rows[np.argsort(times[0][rows], kind="stable")]',
        "rows = rows[::1]",
        ("tests/blis/workload/recorded/test_build.py",),
        "the order of a log is taken for that of arrivals",
    ),
    Mutant(
        _BENCH,
        "role_only = np.isin(extra, (1, 2)) &",
        "role_only = (gaps < 0) &",
        ("tests/blis/workload/recorded/test_vllm_bench.py",),
        "a chunk without a token counts as the first token",
    ),
    Mutant(
        _PAIRS,
        "{name: simulated[name][at[rows]] for name in MEASURES}",
        "{name: simulated[name][rows] for name in MEASURES}",
        ("tests/blis/calibration/test_pairs.py",),
        "pairs are made by position",
    ),
    Mutant(
        _PAIRS,
        "wanted = recording.scored &",
        "wanted = np.ones(len(recording), bool) &",
        ("tests/blis/calibration/test_pairs.py",),
        "requests that warm up are compared",
    ),
    Mutant(
        _COMPARE,
        "some = recorded > 0",
        "some = recorded >= 0",
        ("tests/blis/calibration/test_compare.py",),
        "a recorded zero is divided by",
    ),
    Mutant(
        _COMPARE,
        "if n < LEAST or np.isnan(mape_percent):",
        "if np.isnan(mape_percent):",
        ("tests/blis/calibration/test_compare.py",),
        "two requests are called excellent",
    ),
    Mutant(
        _LINES,
        'time_us = moments["time_us"] - shift_us',
        'time_us = moments["time_us"] + shift_us',
        ("tests/blis/calibration/test_timelines.py",),
        "the engine's clock is shifted the wrong way",
    ),
    Mutant(
        _UNQUEUED,
        "at_once[rows] = missed <= ahead",
        "at_once[rows] = missed <= 1",
        ("tests/blis/calibration/test_unqueued.py",),
        "who missed a batch counts as never queued",
    ),
)
