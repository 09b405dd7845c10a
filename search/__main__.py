"""The main job, `python -m search key=value ...`: search for a policy, prove it, write it down."""

from __future__ import annotations

import sys

from blis.errors import EngineError
from search.archive import Archive
from search.candidates import make_candidates
from search.evaluation import QUARANTINE, Evaluator
from search.export import Stopwatch, write_run, write_run_info
from search.figures import write_overview
from search.loop import run_search
from search.progress import Progress
from search.settings import EXIT_FAILURE, EXIT_INTERRUPTED, EXIT_OK, Settings, launch
from search.tracking import Tracker
from search.validate import unproved, validate
from search.verdict import FAILED, INTERRUPTED, Verdict, report

EXIT_CODES = {INTERRUPTED: EXIT_INTERRUPTED, FAILED: EXIT_FAILURE}


def run(settings: Settings) -> int:
    """One search from settings to run folder; its exit code."""
    watch, tracker, archive = Stopwatch(), Tracker(settings), Archive(tuple(settings.space))
    verdict = search_and_judge(settings, archive, watch, tracker)
    with watch.part("export"):
        write_run(settings, archive, verdict)
        write_overview(settings, archive, verdict)
    write_run_info(settings, archive, watch)
    print(report(verdict), f"run folder: {settings.run_dir}", sep="\n")
    tracker.finish(settings, archive, verdict, watch)
    return EXIT_CODES.get(verdict.outcome, EXIT_OK)


def search_and_judge(settings: Settings, archive: Archive, watch: Stopwatch, tracker: Tracker) -> Verdict:
    """Fill `archive` and judge its best; whatever ends this early, what was evaluated is in `archive`."""
    seeds, quarantine = settings.problem.search_seeds, settings.run_dir / QUARANTINE
    evaluator = Evaluator(settings.problem, seeds, settings.workers, quarantine)
    try:
        with watch.part("search"), Progress(settings.driver.budget, len(seeds)) as progress:
            run_search(make_candidates(settings), evaluator, settings.driver, archive, [progress, tracker])
        with watch.part("validation"):
            return validate(settings, archive, evaluator)
    except KeyboardInterrupt:
        return unproved(settings, archive, INTERRUPTED, "Interrupted: nothing is proved of the best policy so far.")
    except EngineError as error:
        return unproved(settings, archive, FAILED, f"Nothing is proved: {error}.")


def main() -> int:
    """The command `blis-search`; its exit code."""
    return launch(run)


if __name__ == "__main__":
    sys.exit(main())
