"""What a score is known by: one digest over everything that decides it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any

from blis.policies.bundle import bundle_digest
from blis.tables.digest import table_digest
from blis.yaml_strict import plain
from search.problem.policy import Policy
from search.problem.problem import Problem
from search.problem.traffic import TableKey
from search.version import code_digest, libraries


class ScoreKeys:
    """The keys of a problem's scores."""

    def __init__(self, problem: Problem) -> None:
        """Nothing is worked out before it is needed."""
        self._problem = problem
        self._tables: dict[TableKey, str] = {}

    def of(self, policy: Policy, table: TableKey) -> str:
        """64 hex digits over the policy, the table, the world, the fitness, the baseline, code and libraries."""
        if table not in self._tables:
            self._tables[table] = _digest(self._decides(table))
        return _digest({"policy": bundle_digest(policy.complete), "on": self._tables[table]})

    def _decides(self, table: TableKey) -> dict[str, Any]:
        """Everything but the policy."""
        problem = self._problem
        scenario = {key: part for key, part in problem.mapping().items() if key != "workload"}
        return {
            "scenario": scenario,
            "table": [table, table_digest(problem.table(table))],
            "against": bundle_digest(problem.against.complete),
            "fitness": [type(problem.fitness).__qualname__, plain(problem.fitness)],
            "code": code_digest(),
            "libraries": libraries(),
        }


def make_keys(problem: Problem) -> ScoreKeys | None:
    """The keys of a problem's scores; None where a fitness does not say what it is made of."""
    return ScoreKeys(problem) if is_dataclass(problem.fitness) else None


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
