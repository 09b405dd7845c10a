"""When the tokens of each request came out, from the step log: gaps of steps that ended since the last look."""

from __future__ import annotations

import numpy as np

from blis.engine.build.state import State

#: What is read of the step log.
_STEPS = ["instance", "count", "gap_us"]


class Timeline:
    """Step log and long gaps of a run, read and emptied: what everybody has seen is not kept."""

    def __init__(self, instances: int) -> None:
        """Nothing has happened."""
        self._seen = [0] * instances  # steps of each instance that all have seen
        self._gaps_us: list[list[int]] = [[] for _ in range(instances)]  # of the steps after these
        self._jumps: dict[tuple[int, int], tuple[int, int]] = {}  # (row, step) to (later step, gap)

    def read(self, state: State) -> None:
        """Take in what the run has logged since the last time; of each instance the latest row stays, to go on."""
        for i, gaps in enumerate(self._gaps_us):
            self._seen[i] += len(gaps)
            gaps.clear()
        for part in state.take_log():
            for i, count, gap_us in part.view(np.ndarray)[_STEPS].tolist():
                self._gaps_us[i] += [gap_us] * count
        arrays, cluster = state.arrays, state.arrays.cluster
        for row, before, after, gap_us in arrays.gaps[: int(cluster.gap_rows)].tolist():
            self._jumps[row, before] = after, gap_us
        cluster.gap_rows = 0

    def next_token(self, row: int, instance: int, step: int) -> tuple[int, int]:
        """The step of the token after the one of `step`, and the time between these."""
        if (row, step) in self._jumps:
            return self._jumps.pop((row, step))
        return step + 1, self._gaps_us[instance][step - self._seen[instance]]
