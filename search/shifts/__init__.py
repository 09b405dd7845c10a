"""The world otherwise: the same question with other traffic, signals, instances or step times.

In comes a problem; out comes the problem in another world, in which its policies are simulated and compared. Read
`worlds.py` first; then one file a kind, each a function by the name of its shift.
"""
