"""Bounds that several configurations share."""

MAX_WEIGHT = 1e12  # of anything that is weighed; sums of weights stay numbers
MAX_INSTANCES = 100_000
LONGEST_US = 100 * 365 * 24 * 3600 * 1_000_000  # a hundred years: whoever is gone for longer is not part of a cluster
MAX_TIME_US = 2**62  # times stay below this so that sums of two never overflow int64
