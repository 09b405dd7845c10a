"""What may happen to a search from outside: damaged checkpoints, and kills at any moment.

In come a number of tries and a seed; out comes what was not answered right: `python -m tests.breaker`. Read
`__main__.py` first, then `damage.py` (how a checkpoint is damaged) and `kills.py`.
"""
