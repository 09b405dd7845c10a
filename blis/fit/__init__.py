"""A latency model of a real server, found in its log.

In comes a recording or a step log; out come coefficients with intervals, and the error on requests that the fit did
not see. Read `fit.py` first: terms are chosen, found by simulation, held against the rest of the log.
"""
