"""Requests written to files that others read.

In comes a `RequestTable`, and what became of it; out comes a recorded trace. `trace_v2.py` keeps times and outcomes,
`mooncake.py` what prompts share; read either first.
"""
