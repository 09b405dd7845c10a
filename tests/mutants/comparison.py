"""Faults in comparisons of policies: measures, paired differences, verdicts in words, files."""

from __future__ import annotations

from tests.mutants import Mutant

_MEASURES, _SIDE, _TEXT = "blis/comparison/measures.py", "blis/comparison/side_by_side.py", "blis/comparison/text.py"
_FILES, _RUNS, _STYLE = "blis/files.py", "blis/comparison/runs.py", "blis/comparison/style.py"
_MEASURES_TESTS = ("tests/blis/comparison/test_measures.py",)
_SIDE_TESTS = ("tests/blis/comparison/test_side_by_side.py",)
_TEXT_TESTS = ("tests/blis/comparison/test_text.py",)
_FILES_TESTS = ("tests/blis/test_files.py",)
_GAIN, _GAIN_TESTS = "blis/comparison/gain.py", ("tests/blis/comparison/test_gain.py",)

MUTANTS = (
    Mutant(
        _MEASURES,
        "slice(*table.scored) if table.scored is not None else",
        "slice(0, len(table)) if table.scored is not None else",
        _MEASURES_TESTS,
        "the warm-up counts",
    ),
    Mutant(
        _MEASURES,
        "in_time=done & (ttft_us >= 0) & (ttft_us <= target_us)",
        "in_time=ttft_us <= target_us",
        _MEASURES_TESTS,
        "who was turned away was in time",
    ),
    Mutant(
        _MEASURES,
        "paced = done & (table.output_tokens[rows] > 1)",
        "paced = done",
        _MEASURES_TESTS,
        "single tokens have a pace",
    ),
    Mutant(
        _MEASURES,
        "unserved=~done,",
        "unserved=status == REJECTED,",
        _MEASURES_TESTS,
        "only who was turned away was not served",
    ),
    Mutant(_MEASURES, "np.percentile(known, 99)", "np.percentile(known, 95)", _MEASURES_TESTS, "p99 is p95"),
    Mutant(
        _MEASURES,
        "np.where(ttft_us >= 0, ttft_us / US_PER_MS, np.nan)",
        "ttft_us / US_PER_MS",
        _MEASURES_TESTS,
        "no token is a fast one",
    ),
    Mutant(
        _MEASURES,
        "column[rows] for name, column in",
        "np.sort(column)[rows] for name, column in",
        _MEASURES_TESTS,
        "columns are drawn apart",
    ),
    Mutant(
        _MEASURES,
        "lambda rows: _percent(rows.in_time), more_is_better=True",
        "lambda rows: _percent(rows.in_time)",
        (*_SIDE_TESTS, *_TEXT_TESTS),
        "late is better",
    ),
    Mutant(
        _SIDE,
        "_paired(by_table[name][key] - by_table[baseline][key])",
        "_paired(by_table[baseline][key] - by_table[name][key])",
        _SIDE_TESTS,
        "differences the other way round",
    ),
    Mutant(
        _SIDE,
        "means = _measured(x) - _measured(b)",
        "means = _measured(b) - _measured(x)",
        _SIDE_TESTS,
        "one table's differences the other way round",
    ),
    Mutant(
        _SIDE,
        "(self.bounds[0] > 0) == more_is_better",
        "(self.bounds[0] > 0) != more_is_better",
        _SIDE_TESTS,
        "better is worse",
    ),
    Mutant(
        _SIDE,
        "if self.bounds[0] <= 0 <= self.bounds[1]:",
        "if self.bounds[0] < 0 < self.bounds[1]:",
        _SIDE_TESTS,
        "nothing at all is proved worse",
    ),
    Mutant(
        _SIDE,
        "name: max(rows.e2e_p99_ms, base.e2e_p99_ms)",
        "name: min(rows.e2e_p99_ms, base.e2e_p99_ms)",
        _SIDE_TESTS,
        "blocks for the faster one",
    ),
    Mutant(
        _SIDE,
        "_measured(self._x.take(rows)) - _measured(self._b.take(rows))",
        "_measured(self._x.take(rows)) - _measured(self._b)",
        _SIDE_TESTS,
        "policies meet other blocks",
    ),
    Mutant(
        _SIDE,
        "np.repeat(np.arange(len(self.blocks.of_row)), drawn[self.blocks.of_row])",
        "np.flatnonzero(drawn[self.blocks.of_row])",
        _SIDE_TESTS,
        "a row drawn twice counts once",
    ),
    Mutant(
        _TEXT,
        'return _NOTHING if np.isnan(value) else f"{value:.{digits}f}"',
        'return f"{value:.{digits}f}"',
        _TEXT_TESTS,
        "nan is shown",
    ),
    Mutant(
        _GAIN,
        'return text if text.strip("+-0.") else text[1:]',
        "return text[1:]",
        _GAIN_TESTS,
        "differences without a sign",
    ),
    Mutant(
        _GAIN,
        "if bounds[0] > 0 or bounds[1] < 0:",
        "if bounds[0] > 0 and bounds[1] < 0:",
        _GAIN_TESTS,
        "a small loss that is proved looks as if it were none",
    ),
    Mutant(
        _RUNS,
        "run = simulate(scenario, table, compat=compat)\n    return",
        "run = simulate(scenario, table)\n    return",
        ("tests/blis/comparison/test_runs.py",),
        "comparisons forget the rules",
    ),
    Mutant(
        _STYLE,
        'metadata={"Software": None}',
        "metadata={}",
        ("tests/blis/comparison/test_style.py",),
        "pictures name the version of their library",
    ),
    Mutant(
        _FILES,
        "            self._temporary.unlink(missing_ok=True)",
        "            pass",
        _FILES_TESTS,
        "half a file is left behind",
    ),
    Mutant(
        _FILES,
        "                    os.replace(self._temporary, self._target)\n",
        "                    self._target.write_bytes(self._temporary.read_bytes())\n",
        _FILES_TESTS,
        "files are overwritten in place",
    ),
    Mutant(_FILES, "os.chmod(self._temporary, 0o666 & ~_umask())", "pass", _FILES_TESTS, "files are private"),
    Mutant(
        _FILES,
        "target = Path(path).expanduser().resolve()  # a link",
        "target = Path(path).expanduser()  # a link",
        _FILES_TESTS,
        "links are replaced",
    ),
    Mutant(_FILES, 'decode("utf-8-sig")', 'decode("utf-8")', _FILES_TESTS, "a byte order mark is read"),
    Mutant(_FILES, "    os.umask(mask)\n", "", _FILES_TESTS, "the mask for new files is lost"),
    Mutant(
        "blis/errors.py",
        "if not math.isfinite(value):",
        "if value != value:",
        ("tests/blis/test_errors.py",),
        "infinite numbers are numbers",
    ),
    Mutant(
        "blis/errors.py",
        "if isinstance(value, bool) or not isinstance(value, int):",
        "if not isinstance(value, int):",
        ("tests/blis/test_errors.py",),
        "yes is 1",
    ),
    Mutant(
        "blis/errors.py",
        "above is not None and value <= above",
        "above is not None and value < above",
        ("tests/blis/test_errors.py",),
        "the open bound is closed",
    ),
    Mutant(
        "blis/errors.py",
        "if not low <= value <= high:",
        "if not low <= value < high:",
        ("tests/blis/test_errors.py",),
        "the closed bound is open",
    ),
)
