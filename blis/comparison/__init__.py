"""Policies side by side on the same requests: what differs, how sure that is, and a picture.

In come the runs of several policies; out come paired differences with intervals, a text and a figure.
Read `side_by_side.py` first, then `statistics.py`.
"""
