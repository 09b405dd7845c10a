"""How many instances, and how high a rate: where a policy begins to keep what was promised.

In come a scenario, a workload and a target; out come the least number of instances, the highest rate, and intervals.
Read `sizing.py` first, then `bisection.py`. How many instances a trace calls for by a rule of thumb, without a
simulation: `blis/workload/capacity.py`.
"""
