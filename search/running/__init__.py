"""A search under way: candidates, their evaluation, the archive of both, and how it is interrupted and goes on.

In come settings; out comes an archive with one row an evaluation.
Read `loop.py` first, then `evaluator.py` and `performance.py`.
"""
