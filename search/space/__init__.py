"""What may change.

In comes a mapping of conf/search_space/; out come genomes, and policy bundles from them and back.
Read `space.py` first, then `codec.py`.
"""
