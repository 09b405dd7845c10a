"""Why the policy found is better, where it breaks, and who pays: for people who decide whether to deploy it.

In comes a verdict with a proof; out comes an `Explanation`, from the requests of the verdict's own pools.
Read `explanation.py` first; every other file answers one question.
"""
