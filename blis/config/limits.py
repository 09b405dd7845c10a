"""Bounds that several configurations share."""

MAX_TIME_US = 2**62  # times stay below this so that sums of two never overflow int64
