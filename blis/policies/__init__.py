"""What a candidate policy may decide: one decorated function a template, and the bundle file it is written in.

In come the signals that a template says it reads; out come scores, verdicts and orders.
Read `registry.py` first, then `scorers.py`.
"""
