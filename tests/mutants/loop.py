"""Faults in a search under way: candidates, the loop, the archive, the checkpoint, the name of a run."""

from __future__ import annotations

from tests.mutants import Mutant

_ARCHIVE, _ARCHIVE_TESTS = "search/running/archive.py", ("tests/search/running/test_archive.py",)
_CANDIDATES, _CANDIDATES_TESTS = "search/running/candidates.py", ("tests/search/running/test_candidates.py",)
_LOOP, _LOOP_TESTS = "search/running/loop.py", ("tests/search/running/test_loop.py",)
_SAVED = "search/saved.py"
_ROWS, _ROWS_TESTS = "search/running/rows.py", ("tests/search/running/test_rows.py",)
_SAME, _SAME_TESTS = "search/running/same.py", ("tests/search/running/test_same.py",)
_CHECKPOINT, _CHECKPOINT_TESTS = "search/running/checkpoint.py", ("tests/search/running/test_checkpoint.py",)
_IDENTITY, _IDENTITY_TESTS = "search/identity.py", ("tests/search/test_identity.py",)

MUTANTS = (
    Mutant(
        _ARCHIVE,
        "*(found.terms.get(name) for name in self.terms)",
        "*found.terms.values()",
        _ARCHIVE_TESTS,
        "numbers stand in other columns",
    ),
    Mutant(
        _ARCHIVE,
        "return max(self._scored(), key=_fitness, default=None)",
        "return max(reversed(self._scored()), key=_fitness, default=None)",
        _ARCHIVE_TESTS,
        "the last of equals is the best",
    ),
    Mutant(
        _ARCHIVE,
        "if row.evaluation.genome_id not in baselines:",
        "if row.evaluation.genome_id:",
        _ARCHIVE_TESTS,
        "baselines are among the top",
    ),
    Mutant(
        _ARCHIVE,
        "found.setdefault(row.evaluation.genome_id, row)",
        "found[f'{row.index}'] = row",
        _ARCHIVE_TESTS,
        "a policy is among the top twice",
    ),
    Mutant(
        _ARCHIVE,
        "key=lambda row: (-_fitness(row), row.index)",
        "key=lambda row: (-_fitness(row), -row.index)",
        _ARCHIVE_TESTS,
        "the later of equals comes first",
    ),
    Mutant(
        _ARCHIVE,
        "return (max(scores), median(scores))",
        "return (max(scores), min(scores))",
        _ARCHIVE_TESTS,
        "the median is the worst",
    ),
    Mutant(
        _ARCHIVE,
        "if row.generation == generation]",
        "if row.generation <= generation]",
        _ARCHIVE_TESTS,
        "a generation has all before it",
    ),
    Mutant(
        _ARCHIVE,
        "repr(value) if isinstance(value, float)",
        "f'{value:.6f}' if isinstance(value, float)",
        _ARCHIVE_TESTS,
        "digits are lost",
    ),
    Mutant(_ARCHIVE, 'lineterminator="\\n"', 'lineterminator="\\r\\n"', _LOOP_TESTS, "lines end as on other systems"),
    Mutant(
        _ARCHIVE,
        "return [row for row in self.rows if row.evaluation.status == status]",
        "return [row for row in self.rows if row.evaluation.fitness]",
        _ARCHIVE_TESTS + _LOOP_TESTS,
        "who scores 0 has no score",
    ),
    Mutant(
        _CANDIDATES,
        "return chosen + [self._candidate(proposal) for proposal in self._driver.ask(n - len(chosen))]",
        "return chosen + [self._candidate(proposal) for proposal in self._driver.ask(n)]",
        _CANDIDATES_TESTS,
        "batches are too large",
    ),
    Mutant(
        _CANDIDATES,
        "if proposal.origin == SEED and self._inside:",
        "if proposal.origin == SEED and False:",
        _CANDIDATES_TESTS,
        "seeds are not the baselines' bundles",
    ),
    Mutant(
        _CANDIDATES, "if candidate.proposal]", "]", _CANDIDATES_TESTS, "the driver is told of what it did not propose"
    ),
    Mutant(
        _CANDIDATES, 'if name in waiting["outside"]]', "]", _CANDIDATES_TESTS, "baselines come again after a resumption"
    ),
    Mutant(_CANDIDATES, 'if name in waiting["inside"]]', "]", _CANDIDATES_TESTS, "seeds come again after a resumption"),
    Mutant(
        _LOOP,
        "size = min(limits.batch, limits.budget - len(archive.rows))",
        "size = limits.batch if len(archive.rows) < limits.budget else 0",
        _LOOP_TESTS,
        "the budget is overrun",
    ),
    Mutant(_LOOP, "if size <= 0 or (generation and late) or", "if size <= 0 or", _LOOP_TESTS, "seconds are not kept"),
    Mutant(_LOOP, " or archive.exhausted():", ":", _LOOP_TESTS, "an exhausted space is asked again and again"),
    Mutant(
        _LOOP,
        "if size <= 0 or (generation and late) or",
        "if size <= 0 or late or",
        _LOOP_TESTS,
        "no time, not even one generation",
    ),
    Mutant(
        _LOOP,
        "        candidates.tell(batch, evaluations)\n",
        "",
        (*_LOOP_TESTS, "tests/search/test_main.py", *_CHECKPOINT_TESTS),
        "drivers learn nothing",
    ),
    Mutant(
        _LOOP,
        "if candidate.policy is not None else invalid(",
        "if candidate.policy is None else invalid(",
        _LOOP_TESTS,
        "policies are invalid",
    ),
    Mutant(
        _LOOP,
        "count(archive.rows[-1].generation + 1 if archive.rows else 0)",
        "count(0)",
        _CHECKPOINT_TESTS,
        "generations start anew after a resumption",
    ),
    Mutant(
        _CHECKPOINT,
        "        candidates.restore(json.loads(state))\n",
        "",
        _CHECKPOINT_TESTS,
        "candidates start anew after a resumption",
    ),
    Mutant(
        _CHECKPOINT,
        "        evaluator.remember([row.evaluation for row in rows if row.policy is not None])\n",
        "",
        _CHECKPOINT_TESTS,
        "everything is simulated again after a resumption",
    ),
    Mutant(
        _CHECKPOINT,
        "if cut and len(rows) < settings.driver.budget:",
        "if not rows:",
        _CHECKPOINT_TESTS,
        "a larger budget leaves a short generation in the middle",
    ),
    Mutant(
        _CHECKPOINT,
        "        trial.take(settings.driver.batch)\n",
        "",
        _CHECKPOINT_TESTS,
        "a driver that cannot go on is found out later",
        equal="a state that a driver gives back as it got it and cannot go on from is rare",
    ),
    Mutant(
        _SAME,
        "if parts := _listed(_different(code_parts(), saved.code)):",
        "if parts := '':",
        _SAME_TESTS,
        "another version of the code goes on",
    ),
    Mutant(
        _SAME,
        "for name in _different(now, then)]:",
        "for name in ()]:",
        _SAME_TESTS,
        "other libraries go on",
    ),
    Mutant(
        _SAME,
        "if saved.run_id != run_id(replace(settings, config=saved.config)):",
        "if not saved:",
        _SAME_TESTS,
        "other input files go on",
    ),
    Mutant(
        _SAME,
        'MAY_DIFFER = ("parallel", "evaluations", "tracking", "driver.budget")',
        'MAY_DIFFER = ("parallel", "evaluations", "tracking", "driver.budget", "validation")',
        _SAME_TESTS,
        "another validation goes on",
    ),
    Mutant(_SAME, "if budget < done:", "if not done:", _CHECKPOINT_TESTS, "a budget that is spent goes on"),
    Mutant(_ROWS, "if found.genome_id != policy.id:", "if not found:", _ROWS_TESTS, "an id is believed"),
    Mutant(
        _ROWS,
        "if not _holds(settings.space, kept.genome):",
        "if not kept.origin:",
        _ROWS_TESTS,
        "genomes of another space go on",
    ),
    Mutant(
        _SAVED,
        'if content.pop("digest", None) != _digest(text.rpartition(_SEAL)[0]):',
        'if not content.pop("digest", None):',
        ("tests/search/test_saved.py",),
        "damage goes unseen",
    ),
    Mutant(
        "search/folder.py",
        "if ours and (resumed or not written(place)):",
        "if ours:",
        ("tests/search/test_folder.py",),
        "an earlier search is written over",
    ),
    Mutant(
        _CHECKPOINT,
        "for row in archive.rows[len(self._rows) :]]",
        "for row in archive.rows]",
        _CHECKPOINT_TESTS,
        "rows are written again and again",
    ),
    Mutant(
        _IDENTITY,
        'WITHOUT_EFFECT = ("parallel", "evaluations", "tracking", "baselines", "seeds")',
        'WITHOUT_EFFECT = ("tracking", "baselines", "seeds")',
        _IDENTITY_TESTS,
        "workers are part of a run's name",
    ),
    Mutant(
        _IDENTITY,
        'WITHOUT_EFFECT = ("parallel", "evaluations", "tracking", "baselines", "seeds")',
        'WITHOUT_EFFECT = ("parallel", "evaluations", "tracking", "baselines", "seeds", "seed")',
        _IDENTITY_TESTS,
        "seeds have one name",
    ),
    Mutant(
        _IDENTITY,
        'config, **given, "code"',
        'config, "code"',
        _IDENTITY_TESTS,
        "other baselines have the same name",
    ),
    Mutant(
        _IDENTITY,
        '"code": code_digest(), "libraries": libraries()',
        '"libraries": libraries()',
        _IDENTITY_TESTS,
        "another version of the code has the same name",
    ),
    Mutant(
        _IDENTITY,
        '"code": code_digest(), "libraries": libraries()',
        '"code": code_digest()',
        _IDENTITY_TESTS,
        "other libraries have the same name",
    ),
    Mutant(
        _IDENTITY,
        'config["workload"] = settings.problem.traffic.identity()',
        "pass",
        ("tests/search/test_trace.py",),
        "a trace enters by its path",
    ),
    Mutant(
        _IDENTITY,
        "json.dumps(content, sort_keys=True,",
        "json.dumps(content,",
        _IDENTITY_TESTS,
        "the order of keys is part of the name",
    ),
)
