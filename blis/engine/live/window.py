"""The step log as far as requests that are not over have been through it: what comes before is forgotten."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from blis.engine.world import Array
from blis.tables.records import STEP_LOG

Ints = NDArray[np.int64]

#: Steps of each instance that are kept whatever they were: of those that have begun nobody may have got a token yet.
_LATEST = 2


class StepWindow:
    """`steps`: STEP_LOG by instance, whose steps are counted from 1 behind the `forgotten` [instances] first ones."""

    def __init__(self, instances: int) -> None:
        """Nothing has happened."""
        self.steps = np.empty(0, STEP_LOG)
        self.forgotten = np.zeros(instances, np.int64)
        self.longest_us = np.zeros(instances, np.int64)  # the longest step of each so far

    def add(self, parts: list[Array]) -> None:
        """Rows of LOGGED in the order in which they were noted."""
        plain = [part.view(np.ndarray) for part in parts]
        logged = np.concatenate([part[part["count"] > 0] for part in plain])
        new = np.empty(len(logged), STEP_LOG)
        for name in ("instance", "count", "gap_us"):
            new[name] = logged[name]
        np.maximum.at(self.longest_us, new["instance"], new["gap_us"])
        both = np.concatenate([self.steps, new])
        self.steps = both[np.argsort(both["instance"], kind="stable")]
        self._number()

    def forget(self, needed: Ints) -> None:
        """Of each instance the rows that end before a step: the first that is needed. needed: [instances]."""
        steps, instance = self.steps, self.steps["instance"]
        needed = np.minimum(needed - self.forgotten, self._count() - _LATEST)
        gone = steps["first_step"] + steps["count"] - 1 < needed[instance]
        np.add.at(self.forgotten, instance[gone], steps["count"][gone])
        self.steps = steps[~gone]
        self._number()

    def _count(self) -> Ints:
        """[instances] how many steps of each are here."""
        found = np.zeros(len(self.forgotten), np.int64)
        np.add.at(found, self.steps["instance"], self.steps["count"])
        return found

    def _number(self) -> None:
        """Number the steps of each instance."""
        count = self.steps["count"].astype(np.int64)
        before = np.cumsum(self._count()) - self._count()
        self.steps["first_step"] = np.cumsum(count) - count - before[self.steps["instance"]] + 1
