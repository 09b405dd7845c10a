"""A real server under the load of a workload, and what was seen of it.

In come a `RequestTable` and the address of an OpenAI-compatible server; out comes a trace v2, which everything reads
that reads recordings. Read `observe.py` first, then `dispatch.py` (when requests go out) and `endpoint.py` (how one
is asked); `sse.py`, `answers.py` and `prompts.py` know no network, `record.py` and `report.py` say what was seen.
"""
