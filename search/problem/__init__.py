"""The question a search asks.

In come a scenario, traffic, a fitness and a baseline; out comes a `Problem`, which gives every policy its score.
Read `problem.py` first, then `policy.py` and `traffic.py`.
"""
