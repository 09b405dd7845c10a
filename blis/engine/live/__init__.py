"""A simulation that goes on while requests come: the policies and instances of a run, driven by a clock.

In come requests one by one, at instants that the run has not passed yet; out come the times of their tokens.
Read `live.py` first, then `kernels.py`; what a table settles before a run is settled here at arrivals (`rooms.py`,
`contents.py`). Requests that come in chunks, too many to be held at once, go through `flow.py`.
"""
