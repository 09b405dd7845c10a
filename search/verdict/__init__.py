"""From the best of a search to what may be said of it.

In comes an archive; out comes a `Verdict`, from request tables that the search never saw.
Read `validation.py` first, then `holdout.py` and `verdict.py`.
"""
