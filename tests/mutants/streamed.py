"""Faults in runs whose requests come in chunks."""

from __future__ import annotations

from tests.mutants import Mutant

_SEATS = "blis/engine/live/seats.py"
_FLOW = "blis/engine/live/flow.py"
_WINDOW = "blis/engine/live/window.py"
_TALLY = "blis/evaluation/streamed.py"
_LAW = ("tests/laws/test_streamed.py",)
_OWN = ("tests/blis/engine/live",)
_BYTES = ("tests/blis/test_stream.py",)
_DRAWN = ("tests/blis/workload/draw",)

MUTANTS = (
    Mutant(_SEATS, "arrays.times[:, rows] = NONE", "pass", _LAW, "times of who was there before"),
    Mutant(_SEATS, "length_noise(uniform, first)", "length_noise(uniform)", _LAW, "guesses begin anew in every chunk"),
    Mutant(_FLOW, "arrays.cluster.cut |= len(late) > 0", "pass", _OWN, "a run ends before its horizon"),
    Mutant(_WINDOW, "> needed[instance]", "> needed[instance] + 1", _OWN, "a step too many is forgotten"),
    Mutant(
        _TALLY,
        "self._longest_us = max(self._longest_us, gaps.longest_us())",
        "self._longest_us = gaps.longest_us()",
        _BYTES,
        "the longest stall is that of the last chunk",
    ),
    Mutant(_TALLY, "found[delay_us < 0] = -1", "pass", _BYTES, "what never was is told as of just before the arrival"),
    Mutant(
        "blis/evaluation/gap_counts.py",
        "np.add.at(self._short, values[short], times[short])",
        "self._short[values[short]] += times[short]",
        ("tests/blis/evaluation/test_gap_counts.py",),
        "equal gaps of a chunk count once",
    ),
    Mutant(
        "blis/workload/draw/arrivals.py",
        "np.maximum(found, self._pushed_us, out=found)",
        "np.maximum(found, 0, out=found)",
        _DRAWN,
        "two parts may begin and end at one instant",
    ),
    Mutant(
        "blis/workload/draw/streams.py",
        'if "_children" not in vars(self):',
        "if True:",
        _DRAWN,
        "draws of several generators begin anew in every chunk",
    ),
    Mutant(
        "blis/workload/read/csv_chunks.py",
        'before_us = int(columns["arrival_us"][-1])',
        "pass",
        ("tests/blis/workload/read/test_csv_chunks.py",),
        "rows are in order within chunks alone",
    ),
    Mutant(
        "blis/workload/read/csv_chunks.py",
        "if hash(name) in doubtful and",
        "if False and",
        ("tests/blis/workload/read/test_csv_chunks.py",),
        "a name may be there twice if the rows are far apart",
    ),
    Mutant(
        "blis/files.py",
        "if kind is None and self._replaces:",
        "if self._replaces:",
        ("tests/blis/test_files.py",),
        "half a file takes the place of a whole one",
    ),
)
