"""Everything in front of the instances: admission, the gateway queue, routing, and how fresh their signals are.

In comes the next event of the control plane; out goes a request to an instance, to the queue, or away.
Read `decide.py` first, then `records.py` (what it knows and remembers).
"""
