"""A search as its run folder tells it: what the page is made of."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blis.errors import InputError
from blis.files import read_text
from blis.policies.bundle import load_bundle
from blis.yaml_strict import load_mapping, named_source
from search.problem.policy import Policy
from search.run_folder.recorded import exported_bundle, json_mapping
from search.settings import Settings, make_settings
from search.verdict.advice import KEEP

Rows = Sequence[Mapping[str, str]]

#: What the page calls the policy that the search found.
FOUND = "the policy found"


@dataclass(frozen=True)
class Finished:
    """verdict, info: verdict.json and run_info.json. candidates, front: rows of candidates.csv and pareto.csv.

    exported: what is to be deployed; candidate: the policy found, None if no candidate has a score.
    """

    settings: Settings
    verdict: Mapping[str, Any]
    info: Mapping[str, Any]
    candidates: Rows
    front: Rows
    exported: Policy
    candidate: Policy | None

    @property
    def primary(self) -> str:
        """The name of what runs today."""
        return self.settings.primary

    @property
    def advice(self) -> Mapping[str, Any]:
        """What to deploy; what runs today, if the verdict does not say."""
        advice: Mapping[str, Any] = self.verdict.get("advice", {"kind": KEEP, "name": self.primary})
        return advice

    @property
    def explanation(self) -> Mapping[str, Any]:
        """Why; empty if nothing is explained."""
        told: Mapping[str, Any] = self.verdict.get("explanation", {})
        return told

    @property
    def proved(self) -> bool:
        """Whether anything was compared on the report tables."""
        return bool(self.verdict.get("baselines"))

    @property
    def policies(self) -> Mapping[str, Policy]:
        """Who is drawn, by what the page calls it: the policy found, the rule to take, what runs today."""
        found = {} if self.candidate is None else {FOUND: self.candidate}
        rule = {str(self.advice["name"]): self.exported} if self.advice["kind"] == "rule" else {}
        return {**found, **rule, self.primary: self.settings.problem.against}


def settings_of(folder: Path) -> Settings:
    """The settings of the search in a folder. Raises InputError if there is none, or its files are not there."""
    path = folder / "config.yaml"
    if not path.is_file():
        raise InputError(f"{folder} holds no finished search: it has no config.yaml")
    mapping = load_mapping(path)
    with named_source(path):
        return make_settings(mapping, folder)


def read_finished(settings: Settings) -> Finished:
    """The search that `settings.run_dir` holds. Raises InputError for what is missing or cannot be read."""
    folder, problem = settings.run_dir, settings.problem
    candidate = folder / "best_candidate.yaml"
    return Finished(
        settings,
        _json(folder / "verdict.json"),
        _json(folder / "run_info.json") if (folder / "run_info.json").is_file() else {},
        _rows(folder / "candidates.csv"),
        _rows(folder / "pareto.csv"),
        problem.policy(exported_bundle(folder)),
        problem.policy(load_bundle(candidate)) if candidate.is_file() else None,
    )


def _json(path: Path) -> Mapping[str, Any]:
    """A file's mapping, without what is null: an earlier version may not know the key either."""
    with named_source(path):
        return {key: value for key, value in json_mapping(read_text(path)).items() if value is not None}


def _rows(path: Path) -> Rows:
    """A table's rows by column; none if there is no such file."""
    return list(csv.DictReader(read_text(path).splitlines())) if path.is_file() else []
