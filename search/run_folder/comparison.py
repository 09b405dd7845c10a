"""`blis-search compare`: the searches of an MLflow store side by side, in the terminal."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from blis.cli.parser import Parser
from blis.comparison.gain import interval, signed
from blis.errors import InputError, check_integer, named
from blis.text import aligned
from search.command import run_command
from search.config import TrackingSettings, default_tracking
from search.folder import short_name
from search.run_folder.mlflow_store import LONGEST_ERROR, clean, connect
from search.run_folder.ranking import Ranking, rank
from search.run_folder.tracking import EXPORTS_TAG, FOLDER_TAG, RUN_ID_TAG, WEIGHTS_PATH
from search.uri import SQLITE, check_uri, concealed, database_path, shown

#: Runs shown unless others are asked for, and tables on which policies are ranked.
LAST, TABLES = 5, 32

WIDTH = 118  # of a table
LONGEST_VALUE = 30
LONGEST_LIST = 30  # of parameters; the browser shows all

#: Where the metrics of winners are.
LATENCIES, WEIGHTS = "verdict/measured/winner_mean/", f"{WEIGHTS_PATH}/"

#: Of an experiment's pages in MLflow 3 the one of runs (the first is one of traces), without the children of searches.
PAGE = "runs?searchFilter=" + quote(f"tags.{RUN_ID_TAG} LIKE '%'")

Column = tuple[str, list[str]]  # its label, and a cell a run

EXAMPLES = """examples:
  blis-search compare                                 the last five searches
  blis-search compare --last 12
  blis-search compare outputs/2026-11-18/14-02-51 3f   run folders, or the first digits of run ids
  blis-search compare --rank outputs/2026-11-18/*      whose policy is the best, on fresh tables"""


def main(arguments: Sequence[str]) -> int:
    """The command; its exit code."""
    return run_command("compare", arguments, _describe, _execute)


def _describe(parser: Parser) -> None:
    parser.description = "Show searches side by side: what differs in their configuration, and what came of them."
    parser.epilog = EXAMPLES
    parser.add_argument("runs", nargs="*", metavar="RUN", help="a run folder, or the first digits of a run id")
    parser.add_argument("--last", type=int, metavar="N", help=f"the last N searches (default {LAST})")
    parser.add_argument("--uri", help="of the store (default: that of conf/tracking/mlflow.yaml)")
    parser.add_argument("--rank", action="store_true", help="what run folders export, against each other, from files")
    parser.add_argument("--tables", type=int, metavar="N", help=f"fresh tables for --rank (default {TABLES})")


def _execute(options: argparse.Namespace) -> None:
    print(_ranked(options) if options.rank else _listed(options))


def _ranked(options: argparse.Namespace) -> Ranking:
    """Policies of run folders on fresh tables."""
    if options.last is not None or options.uri:
        raise InputError("--rank takes run folders; --last and --uri are of a store")
    tables = TABLES if options.tables is None else options.tables
    check_integer("--tables", tables, 2, 10_000)
    return rank([Path(run) for run in options.runs], tables)


def _listed(options: argparse.Namespace) -> str:
    """Searches of a store side by side, and where to see more."""
    if options.tables is not None:
        raise InputError("--tables needs --rank")
    if options.runs and options.last is not None:
        raise InputError("give runs or --last N, not both")
    if options.last is not None and options.last < 1:
        raise InputError(f"--last must be at least 1, got {options.last}")
    tracking = default_tracking()
    uri = options.uri or tracking.uri
    found = chosen(stored_searches(uri, tracking), options.runs, options.last or LAST)
    page = f"http://127.0.0.1:5000/#/experiments/{found[0].info.experiment_id}/{PAGE}"
    browser = f"In a browser ({page}): mlflow ui --backend-store-uri {shown(uri)}"
    return f"{side_by_side(found)}\n\n{browser}"


def stored_searches(uri: str, tracking: TrackingSettings) -> list[Any]:
    """The MLflow runs of all searches in a store, oldest first. Raises InputError if there is none."""
    check_uri(uri)
    if uri.startswith(SQLITE) and not database_path(uri).is_file():  # opening it would make it
        raise InputError(f"no searches to compare: {database_path(uri)} does not exist; run `python -m search` first")
    try:
        client = connect(uri)
        experiment = client.get_experiment_by_name(tracking.experiment)
        if experiment is None:
            raise InputError(f"no searches to compare: {shown(uri)} has no experiment {tracking.experiment!r}")
        return list(client.search_runs([experiment.experiment_id], f"tags.{RUN_ID_TAG} LIKE '%'"))[::-1]
    except InputError:
        raise
    except Exception as error:  # MLflow, SQLAlchemy and the network have many
        raise InputError(f"{shown(uri)} cannot be read: {concealed(named(error), uri)[:LONGEST_ERROR]}") from None


def chosen(runs: Sequence[Any], names: Sequence[str], last: int) -> list[Any]:
    """The runs that `names` say, or the last few. Raises InputError for a name that is nobody's or several'."""
    if not names:
        if not runs:
            raise InputError("no searches to compare: the store is empty")
        return list(runs[-last:])
    found = []
    for name in names:
        matching = [run for run in runs if _is_named(run, name)]
        if not matching:
            raise InputError(f"no search {name!r} in the store; `blis-search compare --last 20` lists the latest")
        found.append(matching[-1])
    return found


def _is_named(run: Any, name: str) -> bool:
    """Whether a name is the run's folder, or the start of its run id or of MLflow's."""
    folder = run.data.tags.get(FOLDER_TAG, "")
    ids = run.data.tags[RUN_ID_TAG], run.info.run_id
    return any(text.startswith(name) for text in ids) or ("/" + folder).endswith("/" + name.strip("/"))


def side_by_side(runs: Sequence[Any]) -> str:
    """A row a run: when, where and what came of it; the parameters that differ; the winners; the verdicts in words."""
    params = [run.data.params for run in runs]
    different = differing_params(params)
    keys = [(key, [_short(values.get(key, "")) for values in params]) for key in different[:LONGEST_LIST]]
    if len(different) > LONGEST_LIST:
        keys.append((f"and {len(different) - LONGEST_LIST} more keys", [""] * len(runs)))
    found = [(label, [_short(show(run)) for run in runs]) for label, show in RESULTS.items()]
    parts = [found, keys, _winners(runs, LATENCIES), _winners(runs, WEIGHTS)]
    verdicts = [f"{place}: {_sentence(run)}" for place, run in enumerate(runs, 1)]
    return "\n\n".join([*(table for part in parts for table in tables(part)), "\n".join(verdicts)])


def tables(columns: Sequence[Column]) -> list[str]:
    """Columns as tables that are no wider than a terminal, the number of its run before each row."""
    found: list[list[Column]] = []
    room = 0
    for label, cells in columns:
        width = 2 + max(map(len, [label, *cells]))
        if width > room:
            found.append([("", [str(place) for place in range(1, len(cells) + 1)])])
            room = WIDTH - 2
        found[-1].append((label, cells))
        room -= width
    return [aligned(list(zip(*([label, *cells] for label, cells in table), strict=True))) for table in found]


def _winners(runs: Sequence[Any], folder: str) -> list[Column]:
    """The numbers of winners under one path of metrics."""
    names = dict.fromkeys(name for run in runs for name in run.data.metrics if name.startswith(folder))
    return [(name.removeprefix(folder), [_plain(run.data.metrics.get(name)) for run in runs]) for name in names]


def differing_params(params: Sequence[Mapping[str, str]]) -> list[str]:
    """The keys that do not have one value in all runs, in the order of the configuration."""
    keys = dict.fromkeys(key for values in params for key in values)
    return [key for key in keys if len({values.get(key) for values in params}) > 1]


def _started(run: Any) -> str:
    return datetime.fromtimestamp(run.info.start_time / 1000).strftime("%Y-%m-%d %H:%M")


def _verdict(run: Any) -> str:
    return str(run.data.tags.get("outcome", run.info.status.lower()))


def _sentence(run: Any) -> str:
    """The verdict up to its side remarks."""
    text = run.data.tags.get("mlflow.note.content")
    return text.split("; ")[0].rstrip(".") + "." if text else "no verdict yet."


def _number(name: str) -> Callable[[Any], str]:
    """A metric with its sign, blank if the run has none."""
    return lambda run: signed(run.data.metrics[name]) if name in run.data.metrics else ""


def _interval(run: Any) -> str:
    """The interval against the run's primary baseline: paired t, or of a trace the block bootstrap's."""
    for kind in ("t", "interval"):
        name = clean(f"verdict/baselines/{run.data.tags.get('primary')}/{kind}")
        bounds = [run.data.metrics.get(f"{name}_{side}") for side in ("low", "high")]
        if None not in bounds:
            return interval(bounds)
    return ""


def _wall(run: Any) -> str:
    """Seconds of all parts of the run."""
    parts = [value for name, value in run.data.metrics.items() if name.startswith("seconds/")]
    return f"{sum(parts):.1f} s" if parts else ""


def _plain(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"


#: Columns of the first table: what they are called and how a run fills them.
RESULTS: dict[str, Callable[[Any], str]] = {
    "started": _started,
    "folder": lambda run: short_name(run.data.tags.get(FOLDER_TAG, "")),
    "run id": lambda run: str(run.data.tags[RUN_ID_TAG]),
    "verdict": _verdict,
    "exports": lambda run: run.data.tags.get(EXPORTS_TAG, ""),
    "fitness, fresh tables": _number("verdict/winner/report"),
    "95 % interval": _interval,
    "optimism": _number("verdict/optimism"),
    "wall": _wall,
}
