"""What a gateway remembers over a restart: where a session went, what is left of a budget, which backends drain.

Whoever answers requests only ever touches memory. With a database, one thread writes down what has changed, once a
second and at the end; if that fails, what was not written waits for the next try, and nobody else waits.
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from blis.stdout import note

if TYPE_CHECKING:
    from blis.gateway.store import Row, Store

V = TypeVar("V")
Clock = Callable[[], float]

#: Keys of a subject that are remembered at once; the one that was longest without news goes first.
MOST_KEYS = 200_000

#: A longer key is known by its hash.
_KEY_LETTERS = 200

#: A budget that nobody has touched for so long is full again.
_BUDGET_TTL_S = 86_400.0

#: Rows of one transaction, the longest pause between two tries, and how long a write may take before that is told.
_BATCH, _LONGEST_S, _SILENT_S = 20_000, 30.0, 10.0


class Known(NamedTuple, Generic[V]):
    """What a key stands for, and since when or of when that is, in Unix seconds."""

    value: V
    at_s: float


class Memory(Generic[V]):
    """The latest word on each key of one subject, in the order in which they came.

    One thread puts and gets, another may take what has changed: each step is one that the interpreter does whole.
    """

    def __init__(self, ttl_s: float = math.inf, most: int = MOST_KEYS, clock: Clock = time.time) -> None:
        """ttl_s: what had no news for longer is forgotten. most: keys at once."""
        self.ttl_s, self.most, self._clock = ttl_s, most, clock
        self._known: OrderedDict[str, Known[V]] = OrderedDict()
        self._changed: set[str] = set()

    def __len__(self) -> int:
        return len(self._known)

    def __iter__(self) -> Iterator[str]:
        """The keys, oldest first; all, whether too old or not."""
        return iter(list(self._known))

    @property
    def pending(self) -> int:
        """How many keys have changed since they were taken."""
        return len(self._changed)

    @property
    def oldest_s(self) -> float:
        """What is from before is forgotten, in Unix seconds."""
        return self._clock() - self.ttl_s

    def get(self, key: str) -> Known[V] | None:
        """The latest word on a key."""
        known = self._known.get(_storable(key))
        return known if known and known.at_s >= self.oldest_s else None

    def put(self, key: str, value: V) -> None:
        """The latest word on a key, from now on."""
        key = _storable(key)
        self._known[key] = Known(value, self._clock())
        self._known.move_to_end(key)
        self._changed.add(key)
        if len(self._known) > 1:
            self._forget()

    def _forget(self) -> None:
        """Let go of what is too old or too much: two keys at most, so that no call takes long and yet they get less."""
        for _ in range(2):
            key = next(iter(self._known))
            if len(self._known) <= self.most and self._known[key].at_s >= self.oldest_s:
                return
            del self._known[key]
            self._changed.discard(key)

    def load(self, rows: list[Row]) -> None:
        """What was written down, oldest first."""
        self._known.update((key, Known(value, at_s)) for key, value, at_s in rows if at_s >= self.oldest_s)

    def take(self, most: int) -> list[Row]:
        """What has changed since it was taken, `most` keys at most."""
        keys: list[str] = []
        with suppress(KeyError):  # no more are there, or were forgotten meanwhile
            while len(keys) < most:
                keys.append(self._changed.pop())
        return [(key, known.value, known.at_s) for key in keys if (known := self._known.get(key))]

    def put_back(self, rows: list[Row]) -> None:
        """What was taken is to be taken again, as it is by then."""
        self._changed.update([key for key, _, _ in rows])


class State:
    """Everything that is remembered: the backend of a session, the tokens left of a customer, what a backend does."""

    def __init__(self, store: Store | None = None, session_ttl_s: float = 3600.0, clock: Clock = time.time) -> None:
        """Without a store it lasts as long as the process."""
        self.sessions: Memory[str] = Memory(session_ttl_s, clock=clock)
        self.budgets: Memory[float] = Memory(_BUDGET_TTL_S, clock=clock)
        self.registry: Memory[str] = Memory(clock=clock)
        self._memories: dict[str, Memory[Any]] = {
            "sessions": self.sessions,
            "budgets": self.budgets,
            "registry": self.registry,
        }
        self._clock, self._store = clock, store
        self._began_s: float | None = None  # when the write began that is under way
        self._failing_since_s: float | None = None
        self._error: str | None = None
        self._end = threading.Event()
        self._writer: threading.Thread | None = None

    def start(self, every_s: float = 1.0) -> None:
        """Find what was written down, and write changes from now on, every so many seconds."""
        if self._store:
            for name, memory in self._memories.items():
                memory.load(self._store.read(name, memory.most))
            self._writer = threading.Thread(target=self._keep_writing, args=(every_s,), name="state", daemon=True)
            self._writer.start()

    def close(self, patience_s: float = 10.0) -> None:
        """Write what is left; what cannot be written now, or not in so many seconds, is lost."""
        self._end.set()
        if self._writer:
            self._writer.join(patience_s)
        if self._store and not self._began_s:
            self._store.close()

    def health(self) -> dict[str, Any]:
        """Where it is kept, how many changes are not written yet, since when (Unix seconds) and why that fails."""
        since_s, error = self._failing_since_s, self._error
        if since_s is None and self._began_s and self._clock() - self._began_s > _SILENT_S:
            since_s, error = self._began_s, "no answer"
        return {
            "kind": self._store.kind if self._store else "memory",
            "pending": sum(memory.pending for memory in self._memories.values()) if self._store else 0,
            "failing_since_s": since_s,
            "error": error,
        }

    def _keep_writing(self, every_s: float) -> None:
        """What the thread does: write, less often while it fails, and once more at the end."""
        pause_s = every_s
        while not self._end.wait(pause_s):
            pause_s = every_s if self._write() else max(every_s, min(2 * pause_s, _LONGEST_S))
        self._write()

    def _write(self) -> bool:
        """Write what has changed, a batch a transaction; whether it worked."""
        assert self._store is not None
        while any((rows := self._take()).values()):
            self._began_s = self._clock()
            try:
                self._store.write(rows, self._oldest_s())
            except Exception as error:  # whatever a driver may raise: the gateway goes on
                for name, memory in self._memories.items():
                    memory.put_back(rows[name])
                self._failed(self._store.why(error))
                return False
            finally:
                self._began_s = None
            self._worked()
        return True

    def _take(self) -> dict[str, list[Row]]:
        return {name: memory.take(_BATCH) for name, memory in self._memories.items()}

    def _oldest_s(self) -> dict[str, float]:
        return {name: memory.oldest_s for name, memory in self._memories.items() if memory.ttl_s < math.inf}

    def _failed(self, why: str) -> None:
        if self._failing_since_s is None:
            assert self._store is not None
            self._failing_since_s = self._clock()
            note(f"blis: warning: {self._store.shown}: {why}; what it does not take is kept and tried again")
        self._error = why

    def _worked(self) -> None:
        if self._failing_since_s is not None:
            assert self._store is not None
            note(f"blis: {self._store.shown}: written again")
        self._failing_since_s = self._error = None


def open_state(uri: str | None, session_ttl_s: float = 3600.0) -> State:
    """The state of a gateway: in memory alone, or in a database too. Not started yet; raises as Store does."""
    if uri is None:
        return State(session_ttl_s=session_ttl_s)
    from blis.gateway.store import Store  # takes a while

    return State(Store(uri), session_ttl_s)


def _storable(key: str) -> str:
    """A key as any database takes it: not too long, and nothing that is no letter."""
    if len(key) <= _KEY_LETTERS and key.isprintable():
        return key
    return "sha256:" + sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
