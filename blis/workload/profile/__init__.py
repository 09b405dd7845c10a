"""A specification whose requests are like those of a trace, without any row of it.

In comes a request table; out come a `WorkloadSpec`, what of the trace it does not carry, and how near its requests
come. Read `fit.py` first, then `arrivals.py`, `lengths.py`, `sessions.py` and `sharing.py`, one question a file;
`match.py` compares.
"""
