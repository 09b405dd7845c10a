"""What a real server did, read from the logs of whoever watched it.

In comes a request log, a trace or a benchmark's result; out comes a `Recording`: the requests as a table that can be
simulated, and beside it when each of them got its tokens. `read.py` tells the formats apart; one file a format.
"""
