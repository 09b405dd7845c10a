"""The page about one search, for whoever has to decide whether to deploy what it found.

In comes a run folder; out comes its `report.html`, one file that needs no other and no network.
Read `page.py` first; every other file makes one part of the page.
"""
