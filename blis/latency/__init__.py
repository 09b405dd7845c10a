"""How long a step takes.

In comes a latency model by name, coefficients or shapes; out come the few numbers that a step is computed from.
Read `resolve.py` first, then `roofline.py`.
"""
