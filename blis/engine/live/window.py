"""The step log as far as requests that are not over have been through it: what comes before is forgotten."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from blis.engine.build.outcome import group
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
        self._rows, self._known = self.forgotten.copy(), self.forgotten.copy()  # rows and steps of each

    def add(self, parts: list[Array]) -> None:
        """Rows of LOGGED in the order in which they were noted."""
        new = np.sum([self._count(part.view(np.ndarray)) for part in parts], axis=0, dtype=np.int64)
        first = np.cumsum(self._rows + new) - self._rows - new
        found = np.empty(int((self._rows + new).sum()), STEP_LOG)
        found[np.arange(len(self.steps)) + np.repeat(first - np.cumsum(self._rows) + self._rows, self._rows)] = (
            self.steps
        )
        places = first + self._rows
        for part in parts:
            group(part, places, self._known, found)
        self._rows += new
        self.steps = found
        any_rows = self._rows > 0
        if any_rows.any():
            longest_us = np.maximum.reduceat(found["gap_us"], first[any_rows])
            self.longest_us[any_rows] = np.maximum(self.longest_us[any_rows], longest_us)

    def forget(self, needed: Ints) -> None:
        """Of each instance the rows that end before a step: the first that is needed. needed: [instances]."""
        steps, instance = self.steps, self.steps["instance"]
        needed = np.minimum(needed - self.forgotten, self._known - _LATEST)
        stays = steps["first_step"] + steps["count"] > needed[instance]
        self.steps = steps[stays]
        self._rows = np.bincount(self.steps["instance"], minlength=len(needed))
        left = np.bincount(self.steps["instance"], self.steps["count"], len(needed)).astype(np.int64)  # exact
        self.forgotten += self._known - left
        self.steps["first_step"] -= (self._known - left)[self.steps["instance"]]
        self._known = left

    def _count(self, part: Array) -> Ints:
        """[instances] rows of each, but for those that go on in the next part."""
        return np.bincount(part["instance"][part["count"] > 0], minlength=len(self._rows))
