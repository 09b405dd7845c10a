"""How far the simulator is from a server that was watched: the same requests simulated, and held against the log.

`replay.py` makes a scenario of what a recording says of its server, `errors.py` has the measures; read these two first.
"""
