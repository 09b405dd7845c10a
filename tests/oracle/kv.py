"""The KV cache, block by block (engine.md sections 8 and 9, docs/policies.md section 6; STRICT)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence


def ceil_div(a: int, b: int) -> int:
    """Return a / b rounded up."""
    return -(-a // b)


THRASH_US = 1000  # a reload sooner than this after the offload is a thrash


class CpuTier:
    """The second tier: contents that were evicted from the GPU, by the time at which they came."""

    def __init__(self, capacity: int) -> None:
        """Start empty; capacity 0 means that there is no second tier."""
        self.capacity = capacity
        self.contents: OrderedDict[int, int] = OrderedDict()  # key -> offload time in µs; the oldest first
        self.hits = self.offloaded = self.thrashed = 0

    def match(self, keys: Sequence[int]) -> int:
        """Count the leading keys that are here; changes nothing."""
        for blocks, key in enumerate(keys):
            if key not in self.contents:
                return blocks
        return len(keys)

    def write_back(self, key: int, now: int) -> None:
        """Take in what the GPU evicts, as the newest; the oldest leaves a full tier."""
        if self.capacity == 0:
            return
        if len(self.contents) == self.capacity:
            self.contents.popitem(last=False)
        self.contents[key] = now
        self.offloaded += 1

    def reload(self, key: int, now: int) -> None:
        """Give a content back to the GPU."""
        offloaded_us = self.contents.pop(key)
        self.hits += 1
        self.thrashed += now - offloaded_us < THRASH_US

    def forget(self, key: int) -> None:
        """Drop a content that the GPU has computed again."""
        self.contents.pop(key, None)


class KVCache:
    """Blocks 0 … total-1 with references and keys; free blocks keep their content until they are taken."""

    def __init__(self, total: int, block_size_tokens: int, cpu_blocks: int = 0, unkeyed_first: bool = False) -> None:
        """All blocks free, block 0 at the head of the free list."""
        self.total, self.block_size_tokens, self.unkeyed_first = total, block_size_tokens, unkeyed_first
        self.cpu = CpuTier(cpu_blocks)
        self.now = 0  # start of the step, for the second tier
        self.references = [0] * total
        self.keys: list[int | None] = [None] * total
        self.free: OrderedDict[int, None] = OrderedDict.fromkeys(range(total))  # head first
        self.cached: dict[int, int] = {}  # key -> block
        self.held: dict[int, list[int]] = {}  # request row -> its blocks
        self.hits = self.misses = 0

    @property
    def used(self) -> int:
        """Blocks with a reference."""
        return self.total - len(self.free)

    def free_list(self) -> list[int | None]:
        """Content keys of the free blocks from head to tail, None for a block without one."""
        return [self.keys[block] for block in self.free]

    def cpu_list(self) -> list[int]:
        """Content keys of the second tier, the oldest first."""
        return list(self.cpu.contents)

    def lookup(self, keys: Iterable[int]) -> list[int]:
        """Return the cached blocks of the leading keys, up to the first miss (8.4); changes nothing."""
        found = []
        for key in keys:
            if key not in self.cached:
                break
            found.append(self.cached[key])
        return found

    def allocate(
        self,
        row: int,
        start: int,
        end: int,
        key_of: Callable[[int], int] | None,
        attach: Sequence[int] = (),
        reload: Sequence[int] = (),
        must_fit: int = 0,
    ) -> bool:
        """Store tokens [start, end) of a request, behind the cached blocks to attach (8.5); False changes nothing.

        key_of gives the key of a block by its index in the sequence; None leaves all blocks without a key (Q11).
        reload: keys to fetch from the second tier; their blocks lie between those to attach and `start`.
        must_fit: tokens for which there must be room, if that is more than `end`.
        """
        size = self.block_size_tokens
        needed = ceil_div(end, size) - ceil_div(start, size)
        room = ceil_div(max(end, must_fit), size) - ceil_div(start, size) + len(reload)
        if room > len(self.free) - sum(block in self.free for block in attach):
            return False
        held = self.held.setdefault(row, [])
        for block in attach:
            self._refer(block)
            held.append(block)
        self.hits += len(attach)
        for key in reload:
            self.cpu.reload(key, self.now)
        taken = [self._take_head() for _ in range(len(reload) + needed)]
        held.extend(taken)
        self.misses += needed
        for block, key in zip(taken, reload, strict=False):
            self._fill(block, key)
        if key_of is not None:
            for index in range(start // size, end // size):  # the blocks that are full now
                held[index] = self._fill(held[index], key_of(index))
        return True

    def give_keys(self, row: int, first: int, end: int, key_of: Callable[[int], int]) -> None:
        """The blocks [first, end) of a request, which it holds, have their content now."""
        held = self.held[row]
        for index in range(first, end):
            held[index] = self._fill(held[index], key_of(index))

    def release(self, row: int) -> None:
        """Drop a request's references from its last block to its first (8.6)."""
        for block in reversed(self.held.pop(row, [])):
            self.references[block] -= 1
            if self.references[block] == 0:
                self.free[block] = None
                if self.unkeyed_first and self.keys[block] is None:
                    self.free.move_to_end(block, last=False)

    def _refer(self, block: int) -> None:
        self.references[block] += 1
        self.free.pop(block, None)

    def _take_head(self) -> int:
        block, _ = self.free.popitem(last=False)
        key = self.keys[block]
        if key is not None:
            del self.cached[key]
            self.keys[block] = None
            self.cpu.write_back(key, self.now)
        self.references[block] = 1
        return block

    def _fill(self, own: int, key: int) -> int:
        """Key a full block, or change it for the cached block with the same content (8.7); return the one held."""
        other = self.cached.setdefault(key, own)
        if other == own:
            self.keys[own] = key
            self.cpu.forget(key)
            return own
        self._refer(other)
        self.references[own] = 0
        self.free[own] = None
        self.free.move_to_end(own, last=False)
        return other
