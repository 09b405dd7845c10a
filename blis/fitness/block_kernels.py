"""Compiled passes over draws of blocks of time: what by_blocks.py keeps of each block, as often as it is drawn.

n draws, B blocks, K classes, c columns.
"""

from __future__ import annotations

from blis.jit import entry


@entry()
def drawn_sums(times, sums, found):
    """The sums of the blocks of each draw, block after block. times: [n, B]; sums: [B, c]; found: [n, c], 0 before."""
    for draw in range(len(times)):
        for block in range(len(sums)):
            if times[draw, block] != 0:  # 0 times infinity is no number
                for column in range(sums.shape[1]):
                    found[draw, column] += times[draw, block] * sums[block, column]


@entry()
def drawn_worst(times, begin, values, block, weights, totals, share, found):
    """The mean of the largest `share` of each draw's values in each class: at least one, the last one in part.

    begin: [K + 1] where each class begins among the values, which descend there; block, weights: in which block each
    value is, and how often. totals: [n, K] how many values there are; found: [n, K], 0 before.
    """
    for draw in range(len(times)):
        for k in range(len(begin) - 1):
            if totals[draw, k] == 0:
                continue
            wanted = max(share * totals[draw, k], 1.0)
            above, worst = 0, 0.0
            for place in range(begin[k], begin[k + 1]):
                weight = times[draw, block[place]] * weights[place]
                if above + weight >= wanted:
                    worst += (wanted - above) * values[place]
                    break
                above += weight
                worst += weight * values[place]
            found[draw, k] = worst / wanted
