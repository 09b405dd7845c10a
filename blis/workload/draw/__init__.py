"""Requests drawn from a specification.

In come a `WorkloadSpec` and a seed; out comes a `RequestTable`, the same for the same two everywhere.
Read `spec.py` first, then `generate.py`.
"""
