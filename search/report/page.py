"""`report.html`: everything that a search says of its policy, on one page that needs nothing but a browser."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from blis.files import read_text, write_text
from search.report.bundle_diff import bundle_diff
from search.report.finished import FOUND, Finished, read_finished
from search.report.fleet_pictures import fleet_pictures
from search.report.intervals import forest
from search.report.request_pictures import class_pictures
from search.report.requests import classes_of, runs_of
from search.report.search_pictures import convergence, front_pictures, slice_pictures
from search.report.tables import decisions, groups, latencies, worlds
from search.report.trust import warnings
from search.settings import Settings
from search.verdict.advice import CANDIDATE, KEEP, RULE
from search.verdict.report import divided, measured_on

PAGE = "report.html"

#: What else is held against the primary baseline, by its key of verdict.json.
BESIDE = {
    "knobs_alone": "its engine knobs alone",
    "policy_alone": "its router and admission alone",
    "redrawn_population": "on a redrawn population",
}


#: Keys that decide less than this share have no bar of their own.
MINOR = 0.01


def write_page(settings: Settings) -> None:
    """Write the page of the search that `settings.run_dir` holds, from its files and a few simulations."""
    write_text(settings.run_dir / PAGE, page(read_finished(settings)))


def page(run: Finished) -> str:
    """The page: equal for equal folders."""
    return _template().render(**_head(run), **_proof(run), **_why(run), **_search(run), **_origin(run))


@cache
def _template() -> Any:
    """The page's template; whatever a run names is escaped in it."""
    loader = PackageLoader("search.report", "")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("page.html.j2")


def _head(run: Finished) -> dict[str, Any]:
    """The verdict, and what changes: for whom nothing does, what the policy found would have changed."""
    kind, primary = run.advice["kind"], run.settings.problem.against
    shown = run.candidate if kind == KEEP else run.exported
    headline = {
        KEEP: f"Keep what you run: {run.primary}",
        RULE: f"Take the rule {run.advice['name']}",
        CANDIDATE: "Take the policy found",
    }
    return {
        "headline": headline[kind],
        "sentence": run.verdict["sentence"],
        "kept": kind == KEEP,
        "primary": run.primary,
        "found": FOUND,
        "rule": run.advice["name"] if kind == RULE else "",
        "diff": [] if shown is None else bundle_diff(primary, shown),
        "warnings": warnings(run.verdict),
    }


def _proof(run: Finished) -> dict[str, Any]:
    """Comparisons with their intervals, and what requests had to wait; nothing where nothing was proved."""
    verdict = run.verdict
    notes = {verdict.get("best_baseline", ""): "best on the selection tables", run.primary: "what runs today"}
    baselines = dict(sorted(verdict.get("baselines", {}).items(), key=lambda item: item[1]["mean"]))
    split = verdict.get("split", {})
    halves = split if divided(found["mean"] for found in split.values()) else {}
    parts = {**halves, "redrawn_population": verdict.get("redrawn_population")}
    beside = {BESIDE[name]: found for name, found in parts.items() if found}
    tried, left_out = worlds(verdict.get("robust", ()))
    runs = runs_of(run.settings, run.policies) if run.proved else {}
    return {
        "baselines": forest(baselines, notes) if baselines else None,
        "beside": forest(beside) if beside else None,
        "halves": bool(halves),
        "redrawn": BESIDE["redrawn_population"] in beside,
        "robust": forest(tried) if tried else None,
        "left_out": left_out,
        "saving": verdict.get("saving"),
        "measured_on": measured_on(verdict["pools"]) if "measured" in verdict else "",
        "latencies": latencies(verdict.get("measured", {})),
        "classes": [(one.name, one.requests, class_pictures(one, run.primary)) for one in classes_of(runs)],
        "fleet": fleet_pictures(runs, run.primary),
    }


def _why(run: Finished) -> dict[str, Any]:
    """The explanation; every part is empty where nothing is explained."""
    told = run.explanation
    needed = dict(sorted(told.get("needed", {}).items(), key=lambda item: -item[1]["mean"]))
    importance = dict(sorted(told.get("importance", {}).items(), key=lambda item: -item[1]))
    return {
        "needed": forest(needed) if needed else None,
        "given_up": told.get("given_up", ()),
        "importance": {key: share for key, share in importance.items() if share >= MINOR},
        "minor": [key for key, share in importance.items() if share < MINOR],
        "slices": list(slice_pictures(told.get("slices", {}))),
        "groups": groups(told.get("groups", ())),
        "decisions": decisions(told.get("decisions", ()), (FOUND, run.primary)),
    }


def _search(run: Finished) -> dict[str, Any]:
    """How the search went."""
    return {
        "convergence": convergence(run.candidates, run.primary),
        "front": list(front_pictures(run.front, run.settings.problem.fitness.objectives)),
        "members": len(run.front),
    }


def _origin(run: Finished) -> dict[str, Any]:
    """Where all of it comes from; of the clock and the machine nothing is told."""
    verdict, info, folder = run.verdict, run.info, run.settings.run_dir
    names = {"run_id": "run", "scenario": "scenario", "engine": "engine", "code": "code", "seed": "seed"}
    versions = {"python": info["python"], **info["libraries"]} if info else {}
    return {
        "digests": {label: verdict[key] for key, label in names.items() if key in verdict},
        "pools": {name: _pool(facts) for name, facts in verdict.get("pools", {}).items()},
        "versions": versions,
        "files": {name: read_text(folder / name) for name in ("config.yaml", "scenario.yaml", "best_policy.yaml")},
    }


def _pool(facts: Any) -> str:
    """The tables of a pool: their seeds, or a window of a trace."""
    if isinstance(facts, Mapping):
        return ", ".join(f"{key} {value}" for key, value in facts.items())
    return f"{len(facts)} tables, seeds {', '.join(map(str, facts))}"
