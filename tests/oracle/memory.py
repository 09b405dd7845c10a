"""What the router itself remembers of its decisions: prefix index, homes, cold stamps, and their number."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence

from blis.config import Compat
from tests.oracle.engine import Job
from tests.oracle.setup import Setup
from tests.oracle.view import View


class PrefixIndex:
    """What the router believes an instance has cached: block keys by recency (cluster-and-policies.md 4.4)."""

    def __init__(self, capacity: int, root_first: bool) -> None:
        """Start empty; root_first ages a prompt's first block before its last, as the original does."""
        self._capacity, self._root_first = capacity, root_first
        self._recency: OrderedDict[Hashable, None] = OrderedDict()  # oldest first

    def clear(self) -> None:
        """Nothing is cached."""
        self._recency.clear()

    def match(self, keys: Sequence[Hashable]) -> int:
        """Count the leading keys that are present, without touching them."""
        for blocks, key in enumerate(keys):
            if key not in self._recency:
                return blocks
        return len(keys)

    def record(self, keys: Sequence[Hashable]) -> None:
        """Touch every key of a routed prompt."""
        for key in keys if self._root_first else reversed(keys):
            if key not in self._recency and len(self._recency) >= self._capacity:
                self._recency.popitem(last=False)
            self._recency[key] = None
            self._recency.move_to_end(key)


class Memory:
    """All of it, kept up to date whatever the policy is; live."""

    def __init__(self, setup: Setup, compat: Compat, view: View) -> None:
        """Start without history."""
        self._view = view
        self.block_tokens = setup.prefix_index_block_tokens or setup.block_size_tokens
        self._max_tokens = setup.prefix_index_max_tokens
        self._whole_prompts_only = setup.routing == "prefix-affinity-exact" or compat.exact_prefix_home
        self._indexes = [
            PrefixIndex(setup.prefix_index_blocks, compat.index_root_first) for _ in range(setup.instances)
        ]
        self._prefix_homes: dict[object, int] = {}
        self._session_homes: dict[int, int] = {}
        self.decisions = 0
        self.cold_stamps = [-1] * setup.instances  # number of the last cold request that was sent there

    def for_prefills(self, setup: Setup, compat: Compat) -> Memory:
        """What is remembered of prefills: homes and turns of their own, the same index and cold requests."""
        other = Memory(setup, compat, self._view)
        other._indexes, other.cold_stamps = self._indexes, self.cold_stamps
        return other

    def full_blocks(self, job: Job) -> int:
        """B: the full prompt blocks that the index looks at."""
        return len(self._index_keys(job))

    def matched_blocks(self, j: int, job: Job) -> int:
        """Leading full prompt blocks in the index of an instance."""
        return self._indexes[j].match(self._index_keys(job))

    def is_cold(self, job: Job, among: Sequence[int]) -> bool:
        """Whether none of these instances matches any block."""
        return all(self.matched_blocks(j, job) == 0 for j in among)

    def prefix_home(self, job: Job) -> int | None:
        """Where the deepest full prompt block that has a home was sent last."""
        keys = self._home_keys(job)
        return next((self._prefix_homes[key] for key in reversed(keys) if key in self._prefix_homes), None)

    def session_home(self, job: Job) -> int | None:
        """Where the session was sent last."""
        return self._session_homes.get(job.request.session)

    def routed(self, job: Job, cold: bool, target: int) -> None:
        """Take note of a decision. cold: no instance that the filters had left knew the prompt."""
        if cold:
            self.cold_stamps[target] = max(self.cold_stamps) + 1
        self.decisions += 1
        self._indexes[target].record(self._index_keys(job))
        self._prefix_homes.update(dict.fromkeys(self._home_keys(job), target))
        if job.request.session >= 0:
            self._session_homes[job.request.session] = target

    def forget(self, j: int) -> None:
        """The caches of an instance are gone."""
        self._indexes[j].clear()

    def _index_keys(self, job: Job) -> list[tuple[int, ...]]:
        """The prompt up to the end of each block of the index."""
        size, most = self.block_tokens, self._max_tokens or job.prompt_tokens
        tokens = job.request.prompt[: min(most, job.prompt_tokens) // size * size]
        ends = range(size, len(tokens) + 1, size)
        return [(*tokens[:end], -job.retries) if self._view.is_new(job, end) else tokens[:end] for end in ends]

    def _home_keys(self, job: Job) -> list[object]:
        """The contents that get a home: all full blocks, or the last one, else a short prompt as a whole."""
        if self._whole_prompts_only:
            return list(self._view.all_keys(job))[-1:] or [job.request.prompt]
        return list(self._view.prompt_keys(job))
