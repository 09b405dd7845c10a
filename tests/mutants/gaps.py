"""Faults in the gaps between tokens."""

from __future__ import annotations

from tests.mutants import Mutant

_ITL, _GAPS = "blis/evaluation/itl.py", "blis/evaluation/gap_kernels.py"
_ITL_TESTS = ("tests/blis/evaluation/test_itl.py",)
_GAPS_TESTS = ("tests/blis/evaluation/test_gaps.py", "tests/blis/evaluation/test_gap_kernels.py")

MUTANTS = (
    Mutant(
        _ITL,
        'gaps += durations[done : long_gap["from_step"]].tolist()',
        'gaps += durations[first : long_gap["from_step"]].tolist()',
        _ITL_TESTS,
        "after a second preemption gaps come twice",
    ),
    Mutant(_ITL, "return [gap + overhead_us for gap in gaps]", "return gaps", _ITL_TESTS, "gaps without overhead"),
    Mutant(
        _ITL,
        "gaps.append(int(durations[last - 1]))",
        "gaps.append(int(durations[last - 2]))",
        _ITL_TESTS,
        "the last but one gap is repeated",
    ),
    Mutant(
        _GAPS,
        "joins[span[2]] -= times",
        "joins[span[2]] -= 0",
        _GAPS_TESTS,
        "who has got the last token goes on",
    ),
    Mutant(
        _GAPS,
        "found[span[0]] -= times * span[1]",
        "found[span[0]] -= times * (span[1] - 1)",
        _GAPS_TESTS,
        "the first token has a gap",
    ),
    Mutant(
        _GAPS,
        "found[group[j], spans[j, 2]] += times[j] * twice[j]",
        "found[group[j], spans[j, 0]] += times[j] * twice[j]",
        _GAPS_TESTS,
        "compat: the first gap counts twice",
    ),
    Mutant(
        _GAPS, "weights[g, k] * value * (value > low)", "0", _GAPS_TESTS, "what is above the threshold does not count"
    ),
    Mutant(
        _GAPS,
        "rank = percent / 100 * (numbers[j] - 1)",
        "rank = percent / 100 * numbers[j]",
        _GAPS_TESTS,
        "a percentile of a request is a rank too high",
    ),
    Mutant(_ITL, "chosen if among is None else chosen & among", "chosen", _ITL_TESTS, "gaps of everybody"),
)
