"""Compilation: `kernel` marks a function as part of what is compiled, `entry` compiles one with all that it calls.

In come plain functions, ours and those of users; out comes machine code, kept on disk under a digest of every source
that went into it. Read `entries.py` first, then `program.py` (what an entry consists of) and `hooks.py` (how it is
compiled in half the time).
"""

from blis.jit.entries import Entry, entry
from blis.jit.program import Late, kernel, note_change

__all__ = ["Entry", "Late", "entry", "kernel", "note_change"]
