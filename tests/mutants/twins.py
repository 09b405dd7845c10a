"""Faults in what a specification may say, and in twins of traces."""

from __future__ import annotations

from tests.mutants import Mutant

_DRAW, _PROFILE = "blis/workload/draw", "blis/workload/profile"
_DRAW_TESTS, _PROFILE_TESTS = "tests/blis/workload/draw", "tests/blis/workload/profile"
_EFFECTS, _EFFECTS_TESTS = f"{_DRAW}/effects.py", (f"{_DRAW_TESTS}/test_effects.py",)
_COUPLING, _COUPLING_TESTS = f"{_DRAW}/coupling.py", (f"{_DRAW_TESTS}/test_coupling.py",)
_COMPOSE, _COMPOSE_TESTS = f"{_DRAW}/compose.py", (f"{_DRAW_TESTS}/test_compose.py", *_EFFECTS_TESTS)
_REUSE, _REUSE_TESTS = f"{_DRAW}/reuse.py", (f"{_DRAW_TESTS}/test_reuse.py",)
_FIT, _FIT_TESTS = f"{_PROFILE}/fit.py", (f"{_PROFILE_TESTS}/test_fit.py",)
_SESSIONS, _SESSIONS_TESTS = f"{_PROFILE}/sessions.py", (f"{_PROFILE_TESTS}/test_sessions.py", *_FIT_TESTS)
_SHARING, _SHARING_TESTS = f"{_PROFILE}/sharing.py", (f"{_PROFILE_TESTS}/test_sharing.py", *_FIT_TESTS)
_ARRIVALS, _ARRIVALS_TESTS = f"{_PROFILE}/arrivals.py", (f"{_PROFILE_TESTS}/test_arrivals.py",)
_BINS, _BINS_TESTS = f"{_PROFILE}/bins.py", (f"{_PROFILE_TESTS}/test_bins.py",)
_MATCH, _MATCH_TESTS = f"{_PROFILE}/match.py", (f"{_PROFILE_TESTS}/test_match.py",)
_LENGTHS, _LENGTHS_TESTS = f"{_PROFILE}/lengths.py", (f"{_PROFILE_TESTS}/test_lengths.py", *_FIT_TESTS)

MUTANTS = (
    Mutant(
        _EFFECTS,
        "if sender.closed_loop is not None and sender.multi_turn is None:",
        "if sender.closed_loop and sender.multi_turn is None:",
        _EFFECTS_TESTS,
        "an open loop of nothing is taken",
    ),
    Mutant(
        _EFFECTS,
        "if processes and set(processes) <= set(WITHOUT_CV):",
        "if processes and set(processes) & set(WITHOUT_CV):",
        _EFFECTS_TESTS,
        "a variation that some have is refused",
    ),
    Mutant(
        _EFFECTS,
        "empty=rates is not None",
        "empty=True",
        _EFFECTS_TESTS,
        "rates that say nothing are taken",
    ),
    Mutant(
        f"{_DRAW}/arrivals.py",
        "            if self.process in WITHOUT_CV:\n",
        "            if self.process == RECORDED:\n",
        _EFFECTS_TESTS,
        "poisson has a cv that nobody hears",
    ),
    Mutant(
        f"{_DRAW}/lengths.py",
        "    most: ClassVar[int] = 100\n",
        "    most: ClassVar[int] = MAX_TOKENS\n",
        _EFFECTS_TESTS,
        "two hundred percent",
    ),
    Mutant(
        f"{_DRAW}/lengths.py",
        "if self.whole and name in DRAWN",
        'if self.whole and name == "value"',
        _EFFECTS_TESTS,
        "bounds are rounded in silence",
    ),
    Mutant(
        f"{_DRAW}/generate.py",
        "if rates and one.arrival.cv is not None else",
        "if rates else",
        _EFFECTS_TESTS,
        "a process without variation draws anew for each stage",
    ),
    Mutant(
        _COUPLING,
        "(weights / weights.sum(axis=1, keepdims=True)).mean(axis=0)",
        "(weights / weights.sum()).sum(axis=0)",
        _COUPLING_TESTS,
        "rows of more weight count for more when means are checked",
    ),
    Mutant(
        _COUPLING,
        "upto /= upto[:, -1:]",
        "upto /= upto[-1, -1]",
        _COUPLING_TESTS,
        "rows do not count alike when outputs are drawn",
    ),
    Mutant(
        _COMPOSE,
        "return replace(population, rate_fraction=None) if alone else population",
        "return population",
        _COMPOSE_TESTS,
        "a population alone has a weight, and cannot be read back",
    ),
    Mutant(
        _REUSE,
        "low + chance",
        "0 * low + chance",
        _REUSE_TESTS,
        "long prompts repeat as short ones do",
    ),
    Mutant(
        _SESSIONS,
        "found[i] = ends[here]",
        "found[i] = ends[offsets[row + 1] - 1]",
        _SESSIONS_TESTS,
        "rounds that share their beginning share everything",
    ),
    Mutant(
        _SESSIONS,
        "own[~rounds.opens] -= _said_before(table, rounds)",
        "own[~rounds.opens] -= 0",
        _SESSIONS_TESTS,
        "contexts of a twin grow by whole prompts",
    ),
    Mutant(
        _FIT,
        "rounds.opens | (not accumulated)",
        "rounds.opens",
        _FIT_TESTS,
        "what later rounds share is not carried",
    ),
    Mutant(
        _FIT,
        "accumulated = carried > NEARLY_ALL",
        "accumulated = lengthens(table, rounds)",
        _FIT_TESTS,
        "longer prompts are taken to begin with all that was said",
    ),
    Mutant(
        _FIT,
        "    if accumulated and carried < 1:\n",
        "    if False:\n",
        _FIT_TESTS,
        "nobody hears that a twin shares more",
    ),
    Mutant(
        _SHARING,
        "latest[nodes[p]] = number[row]",
        "latest.setdefault(nodes[p], number[row])",
        _SHARING_TESTS,
        "prompts repeat the first that said so, not the last",
    ),
    Mutant(
        _SHARING,
        "reuses = reuses if len(reuses) >= LEAST else reuses[:0]",
        "reuses = reuses",
        _SHARING_TESTS,
        "a cell tells of a few requests",
    ),
    Mutant(
        _ARRIVALS,
        "round(size / mean, 4)",
        "1.0",
        _ARRIVALS_TESTS,
        "a twin comes as fast all the time",
    ),
    Mutant(
        _BINS,
        "return max(1, min(most, n // least))",
        "return max(1, most)",
        _BINS_TESTS,
        "a bin stands for a single request",
    ),
    Mutant(
        _LENGTHS,
        "requests[requests < LEAST] = 0",
        "requests[requests < 0] = 0",
        _LENGTHS_TESTS,
        "a cell tells of a single request",
    ),
    Mutant(
        _LENGTHS,
        "part[rows] = equal_part(inputs[rows], count)",
        "part[rows] = equal_part(inputs, count)[rows]",
        _LENGTHS_TESTS,
        "prompts that open conversations are all long ones",
    ),
    Mutant(
        f"{_DRAW}/prompts.py",
        '        prompts = np.where(opens, streams("first_input", "coupled").random(len(opens)), prompts)\n',
        "        pass\n",
        (f"{_DRAW_TESTS}/test_prompts.py",),
        "outputs follow prompts that were not drawn",
    ),
    Mutant(
        f"{_DRAW}/sessions.py",
        "first * (rounds if self.accumulates else 1)",
        "first",
        (f"{_DRAW_TESTS}/test_sessions.py",),
        "a long first prompt is read once in the mean, and is in every later one",
    ),
    Mutant(
        _ARRIVALS,
        "(times_us - among_us[0]) / 1e6",
        "(times_us - times_us[0]) / 1e6",
        _ARRIVALS_TESTS,
        "who comes late comes at once",
    ),
    Mutant(
        _MATCH,
        "abs(one.twin - one.trace) > POOR_HITS",
        "one.twin - one.trace > POOR_HITS",
        _MATCH_TESTS,
        "nobody hears that a twin shares less",
    ),
    Mutant(
        _MATCH,
        "table.opened_us[own.opens]",
        "table.opened_us",
        _MATCH_TESTS,
        "gaps between rounds are gaps between conversations",
    ),
)
