"""Requests written to files that others read.

In comes a `RequestTable`, and what became of it if it was run; out comes a file. `formats.py` says what each can hold;
`requests.py` is read back equal, `trace_v2.py` keeps times and outcomes, `mooncake.py` what prompts share.
"""
