"""One engine replica: its wait queue, its batch, and its steps through time.

In comes a request with the time at which it joins the queue; out come tokens, step by step or many steps at once.
Read `step.py` first, then `batch.py`.
"""
