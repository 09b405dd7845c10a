"""How far the simulator is from a server that was watched: the same requests simulated, and held against the log.

In comes a recording and a scenario; out come errors by measure and class, time lines, and which settings agree.
`replay.py` makes a scenario of what a recording says of its server, `report.py` puts everything together: read these
two first, then `pairs.py` and `compare.py`.
"""
