"""From a scenario to the arrays of a run, and from its final state to results.

In come dataclasses and tables; out come records full of numbers, the only form in which policies reach a kernel.
Read `state.py` first.
"""
