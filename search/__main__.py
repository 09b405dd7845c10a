"""The main job, `python -m search key=value ...`: search for a policy, prove it, write it down."""

from __future__ import annotations

import sys

from blis.errors import EngineError
from search.application import EXIT_FAILURE, EXIT_INTERRUPTED, EXIT_OK, launch
from search.run_folder import comparison as compare
from search.run_folder.export import Stopwatch, write_run, write_run_info
from search.run_folder.overview import write_overview
from search.run_folder.pareto import write_pareto
from search.run_folder.tracking import Tracker
from search.running.archive import Archive
from search.running.checkpoint import Checkpoint, begin
from search.running.loop import Listener, run_search
from search.running.progress import Progress
from search.settings import Settings
from search.verdict.holdout import Holdout, make_holdout
from search.verdict.report import report
from search.verdict.validation import unproved, validate
from search.verdict.verdict import FAILED, INTERRUPTED, Verdict


def run(settings: Settings) -> int:
    """One search from settings to run folder; its exit code."""
    watch, (candidates, evaluator, archive) = Stopwatch(), begin(settings)
    tracker, holdout = Tracker(settings), make_holdout(settings)
    try:
        with watch.part("search"), Progress(settings.driver.budget, len(evaluator.seeds)) as progress:
            followers: list[Listener] = [Checkpoint(settings, candidates), tracker, progress]
            run_search(candidates, evaluator, settings.driver, archive, followers)
        with watch.part("validation"):
            verdict = validate(settings, archive, evaluator, holdout)
    except KeyboardInterrupt:
        verdict = unproved(settings, archive, INTERRUPTED, "Interrupted: nothing is proved of the best policy so far.")
    except EngineError as error:
        verdict = unproved(settings, archive, FAILED, f"Nothing is proved: {error}.")
    return finish(settings, archive, verdict, holdout, watch, tracker)


def finish(
    settings: Settings, archive: Archive, verdict: Verdict, holdout: Holdout, watch: Stopwatch, tracker: Tracker
) -> int:
    """Write everything that is kept; the exit code."""
    with watch.part("export"):
        write_run(settings, archive, verdict)
        write_overview(settings, archive, verdict, holdout.report)
        write_pareto(settings, archive)
    write_run_info(settings, archive, watch)
    print(report(verdict), f"run folder: {settings.run_dir}", sep="\n")
    tracker.finish(settings, archive, verdict, watch)
    return {INTERRUPTED: EXIT_INTERRUPTED, FAILED: EXIT_FAILURE}.get(verdict.outcome, EXIT_OK)


def main() -> int:
    """The command `blis-search`; its exit code."""
    return compare.main(sys.argv[2:]) if sys.argv[1:2] == ["compare"] else launch(run)


if __name__ == "__main__":
    sys.exit(main())
