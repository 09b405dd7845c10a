"""How good a run is.

In come the outcomes of two runs on the same requests; out comes a `FitnessValue`, positive if the first is better.
Read `relative.py` first (the default), `make.py` for how a configuration chooses.
"""
