"""The KV cache of an instance: blocks held, blocks free and in which order they go, and the tier below.

In come the blocks that a batch wants; out come those it gets, and what had to leave for them.
Read `kv.py` first, then `blocks.py`.
"""
