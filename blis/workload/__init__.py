"""Workloads: which requests arrive, when, and what they say.

In comes a specification, a recorded trace or columns by hand; out comes a `RequestTable`, always from `assemble.py`.
Read `assemble.py` first, then `draw/` (from a specification), `read/` (from files), `recorded/` (what servers did),
`write/` (to files), `content/` (what prompts share) or `profile/` (a specification of what is like them).
"""
