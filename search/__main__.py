"""The main job, `python -m search key=value ...`: search for a policy, prove it, write it down."""

from __future__ import annotations

import gc
import sys
from contextlib import nullcontext
from dataclasses import replace

from blis.errors import EngineError, named
from blis.stdout import delivered, note, say
from search.application import EXIT_FAILURE, EXIT_INTERRUPTED, EXIT_OK, launch
from search.explanation.explanation import Explanation, explain
from search.explanation.text import explained
from search.report import command as report_command
from search.report.page import write_page
from search.run_folder import comparison, sync
from search.run_folder.deployable import deployable
from search.run_folder.export import Stopwatch, best_policy, write_run, write_run_info
from search.run_folder.jobs import jobs_table
from search.run_folder.overview import write_overview
from search.run_folder.pareto import write_pareto
from search.run_folder.tracking import Tracker
from search.running.archive import Archive
from search.running.checkpoint import Checkpoint, begin
from search.running.loop import Listener, run_search
from search.running.progress import SEARCH, Progress
from search.settings import Settings
from search.verdict.holdout import Holdout, make_holdout
from search.verdict.report import report
from search.verdict.validation import unproved, validate
from search.verdict.verdict import FAILED, INTERRUPTED, Verdict

#: What stands before anything else, where it is no search that is asked for.
COMMANDS = {"compare": comparison.main, "report": report_command.main, "sync": sync.main}

#: When Python looks for what refers to itself: as it does by default, libraries that make thousands of objects and drop
#: none, as matplotlib and MLflow do, take a sixth longer.
COLLECT = 50_000, 20, 100


def run(settings: Settings) -> int:
    """One search from settings to run folder; its exit code."""
    watch, progress = Stopwatch(), Progress(settings.driver.budget, settings.problem.simulations)
    settings = replace(settings, workers=settings.workers.watched(progress.simulated))
    (candidates, evaluator, archive), holdout = begin(settings), make_holdout(settings)
    with settings.scores or nullcontext(), settings.workers, Tracker(settings) as tracker:
        try:
            with watch.part("search"), progress.part(SEARCH):
                followers: list[Listener] = [Checkpoint(settings, candidates), tracker, progress]
                run_search(candidates, evaluator, settings.driver, archive, followers)
            with watch.part("validation"), progress.part("validation"):
                verdict = validate(settings, archive, evaluator, holdout)
        except KeyboardInterrupt:
            text = "Interrupted: nothing is proved of the best policy so far."
            verdict = unproved(settings, archive, INTERRUPTED, text)
        except EngineError as error:
            verdict = unproved(settings, archive, FAILED, f"Nothing is proved: {error}.")
        with watch.part("explanation"), progress.part("explanation"):
            explanation = _explanation(settings, archive, verdict, holdout)
        with progress.part("export"):
            heard = finish(settings, archive, verdict, explanation, holdout, watch)
        tracker.finish(settings, archive, verdict, watch)
    code = {INTERRUPTED: EXIT_INTERRUPTED, FAILED: EXIT_FAILURE}.get(verdict.outcome, EXIT_OK)
    return code if heard else max(code, EXIT_FAILURE)


def _explanation(settings: Settings, archive: Archive, verdict: Verdict, holdout: Holdout) -> Explanation | None:
    """What explains a verdict; that there is none changes nothing of what is proved."""
    try:
        return explain(settings, archive, verdict, holdout)
    except (EngineError, KeyboardInterrupt) as error:
        note(f"warning: the verdict is not explained: {str(error) or 'interrupted'}")
        return None


def finish(
    settings: Settings,
    archive: Archive,
    verdict: Verdict,
    explanation: Explanation | None,
    holdout: Holdout,
    watch: Stopwatch,
) -> bool:
    """Write everything that is kept; whether the verdict could be printed, which comes before pictures are drawn."""
    why = "" if explanation is None else explained(explanation, settings.primary)
    try:
        with watch.part("export"):
            write_run(settings, archive, verdict, explanation)
    finally:  # even if there is no room for files
        router = "" if verdict.proof is None else deployable(best_policy(settings, verdict)) + "\n"
        heard = say(*_title(settings), report(verdict, why) + router, f"run folder: {settings.run_dir}")
    with watch.part("export"):
        write_overview(settings, archive, verdict, holdout.report)
        write_pareto(settings, archive)
    write_run_info(settings, archive, watch)
    _write_page(settings)
    return heard


def _write_page(settings: Settings) -> None:
    """Write the page that is for reading; that there is none costs nothing else."""
    try:
        write_page(settings)
    except Exception as error:  # of matplotlib, fonts and files there are many
        note(f"warning: report.html is not made: {named(error)}")


def _title(settings: Settings) -> list[str]:
    """Which of several searches a verdict belongs to."""
    return [f"== {' '.join(settings.overrides)} =="] if settings.overrides else []


def main() -> int:
    """The command `blis-search`; its exit code."""
    gc.set_threshold(*COLLECT)
    command = COMMANDS.get(" ".join(sys.argv[1:2]))
    return delivered(_search if command is None else lambda: command(sys.argv[2:]))


def _search() -> int:
    """One search, or several with a table of them at the end."""
    jobs: list[Settings] = []

    def job(settings: Settings) -> int:
        jobs.append(settings)
        return run(settings)

    code = launch(job)
    if len(jobs) > 1:
        say("", jobs_table(jobs))
    return code


if __name__ == "__main__":
    sys.exit(main())
