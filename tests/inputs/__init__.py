"""Mutated inputs of every kind, and whether each is answered right.

Right is: accepted with a valid result, or one clear line and exit status 2; never a traceback, another status or a
hang.
In comes a number of inputs; out come those that were treated otherwise: `python -m tests.inputs [--count N]`.
Read `kinds.py` first (what there is, and what right means), then `mistakes.py` (what people and machines get wrong).
"""
