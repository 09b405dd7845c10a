"""What a finished run tells.

In come scenario, requests and results; out come metrics, attainment, what decisions were worth, and violated laws.
Read `metrics.py` first; `laws.py` says what every run must keep, `detectors/` look for trouble.
"""
