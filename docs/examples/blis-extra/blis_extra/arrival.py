"""An arrival process: requests come in pairs, one right after the other."""

from blis.workload.draw.arrivals import ARRIVAL_PROCESSES


@ARRIVAL_PROCESSES.register("extra_pairs")
def extra_pairs(random, cv, n):
    """[n] gaps of mean 1; every second one is nothing."""
    gaps = 2 * random.standard_exponential(n)
    gaps[1::2] = 0.0
    return gaps
