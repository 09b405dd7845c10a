"""The simulator: a pure function from arrays to arrays, compiled as one entry.

In come a `Scenario` and a `RequestTable`; out comes a `ResultTable`. No files, no YAML, no random numbers inside.
Read `run.py` first (the loop), then `records.py` (the state), `gateway/decide.py`, `instance/step.py`, `cache/kv.py`.
"""
