"""Where the LoRA adapters of an instance are (docs/lora.md)."""

from __future__ import annotations

from collections.abc import Sequence

from blis.config import Lora
from tests.oracle.requests import OracleRequest

BASE = -1


class Adapters:
    """The adapters that are in memory, and the latest step whose batch had each."""

    def __init__(self, given: Lora) -> None:
        """None is."""
        self._given = given
        self._used: dict[int, int] = {}

    def used(self, batch: Sequence[OracleRequest], step: int) -> None:
        """That step has this batch."""
        self._used |= {request.adapter: step for request in batch if request.adapter != BASE}

    def bars(self, request: OracleRequest, batch: Sequence[OracleRequest]) -> bool:
        """Whether a request would bring one adapter too many into a batch."""
        present = {each.adapter for each in batch} - {BASE}
        return request.adapter not in present | {BASE} and len(present) == self._given.max_loras

    def bring(self, request: OracleRequest, batch: Sequence[OracleRequest]) -> tuple[int, int]:
        """Load and fetch the adapter of a request that joins a batch, where that is necessary: 0 or 1 each."""
        name, present = request.adapter, {each.adapter for each in batch} - {BASE}
        if name in present or name == BASE:
            return 0, 0
        order = sorted(present) + sorted(self._used.keys() - present, key=lambda each: (-self._used[each], each))
        on_gpu = order[: self._given.max_loras]
        if name not in order:
            del order[(self._given.max_cpu_loras or self._given.max_loras) - 1 :]
            self._used = {each: self._used.get(each, 0) for each in order} | {name: 0}
            return 1, 1
        return int(name not in on_gpu), 0
