"""Compiled passes over the gaps between tokens; gaps.py says what the arrays are.

n, m requests, R rows of the step log, H long gaps, K groups.
"""

from __future__ import annotations

from blis.jit import entry, kernel

#: Steps of a row that are set whether there are so many or not: most rows have fewer, and where a loop ends after one
#: or two of them is what a processor cannot foresee. What is set too far is set again, or is room at the end.
AHEAD = 4


@entry()
def unroll(log, overhead_us, value_us, row_steps, before, row_of):
    """Read the step log: the gap and the steps of each row, and the row of each step of all instances, one by one.

    value_us, row_steps: [R]; before: [instances + 1] steps of the instances before; row_of: [steps of all instances +
    AHEAD].
    """
    number, instance = 0, -1
    for row in range(len(log)):
        step = log[row]
        while instance < step.instance:
            instance += 1
            before[instance] = number
        value_us[row] = step.gap_us + overhead_us[step.instance]
        row_steps[row] = step.count
        for k in range(AHEAD):
            row_of[number + k] = row
        for k in range(AHEAD, step.count):
            row_of[number + k] = row
        number += step.count
    for i in range(instance + 1, len(before)):
        before[i] = number


@entry()
def locate(steps, instance, log, before, row_of, positions):
    """Positions of two steps of each request. steps: [n, 2]; positions: [n, 4], row -1 where there is no step."""
    for j in range(len(steps)):
        begin, end = before[instance[j]], before[instance[j] + 1]
        for k in range(2):
            positions[j, 2 * k] = -1
            positions[j, 2 * k + 1] = 0
            if steps[j, 0] < 1 or begin == end:
                continue
            row = row_of[min(begin + steps[j, k], end) - 1]
            positions[j, 2 * k] = row
            positions[j, 2 * k + 1] = steps[j, k] - log[row].first_step + 1


@entry()
def weigh(spans, long, twice, group, times, row_steps, joins, found):
    """Add up how often each value occurs. joins: [K, R + 1] and found: [K, R + H], zero before."""
    for j in range(len(spans)):
        if times[j] != 0 and spans[j, 0] >= 0:
            _add(spans[j], times[j], joins[group[j]], found[group[j]])
            found[group[j], spans[j, 2]] += times[j] * twice[j]
    for h in range(len(long)):
        j = long[h, 0]
        if times[j] != 0:
            _add(long[h, 1:], -times[j], joins[group[j]], found[group[j]])
            found[group[j], len(row_steps) + h] += times[j]
    for g in range(len(found)):
        members = 0
        for row in range(len(row_steps)):
            members += joins[g, row]
            found[g, row] += members * row_steps[row]


@kernel
def _add(span, times, joins, found):
    """Add the steps from one position to another: whole rows up to the last, less what is done of the first."""
    joins[span[0]] += times
    joins[span[2]] -= times
    found[span[0]] -= times * span[1]
    found[span[2]] += times * span[3]


@entry()
def tally(values, weights):
    """How many there are if each value occurs so often, their sum, and the largest of them; 0 without any."""
    n, whole, largest = 0, 0, 0
    for k in range(len(values)):
        n += weights[k]
        whole += weights[k] * values[k]
        if weights[k] > 0 and values[k] > largest:
            largest = values[k]
    return n, whole, largest


@entry()
def values_at(values, order, weights, ranks, found):
    """The values at ascending ranks. order: places of the values in ascending order; weights: how often each occurs."""
    upto, place = 0, -1
    for k in range(len(ranks)):
        while upto <= ranks[k]:
            place += 1
            upto += weights[order[place]]
        found[k] = values[order[place]]


@entry()
def merge(values, order, weights, several, times):
    """The different values that occur, ascending, and how often each does: as many as are returned."""
    n = 0
    for k in range(len(order)):
        value, weight = values[order[k]], weights[order[k]]
        if weight == 0:
            continue
        if n > 0 and several[n - 1] == value:
            times[n - 1] += weight
        else:
            several[n], times[n] = value, weight
            n += 1
    return n


@entry()
def spread(order, key, spans, long, first_long, twice, row_steps, room, found):
    """How often each value occurs under each key, as far as there is room for it; how many such pairs there are.

    order: requests by key, then by the row of their first token. room: [3, R + 1], zero before and after. found: rows
    of place of the value, key, times.
    """
    joins, part, leaves = room[0], room[1], room[2]
    n, begin = 0, 0
    while begin < len(order):
        end, of = begin, key[order[begin]]
        while end < len(order) and key[order[end]] == of:
            j = order[end]
            _add(spans[j], 1, joins, part)
            part[spans[j, 2]] += twice[j]
            leaves[spans[j, 2]] += 1
            for h in range(first_long[j], first_long[j + 1]):
                _add(long[h, 1:], -1, joins, part)
                n = _keep_pair(found, n, len(row_steps) + h, of, 1)
            end += 1
        here, members, row = 0, 0, 0
        while begin < end or here > 0:
            if here == 0:  # nobody is between two tokens in the rows up to the next first one
                row = spans[order[begin], 0]
            while begin < end and spans[order[begin], 0] == row:
                here += 1
                begin += 1
            members += joins[row]
            n = _keep_pair(found, n, row, of, part[row] + members * row_steps[row])
            here -= leaves[row]
            joins[row], part[row], leaves[row] = 0, 0, 0
            row += 1
    return n


@kernel
def _keep_pair(found, n, place, key, times):
    """Write a pair down if it occurs and there is room; the number of pairs then."""
    if times == 0:
        return n
    if n < len(found):
        found[n, 0], found[n, 1], found[n, 2] = place, key, times
    return n + 1


@entry()
def worst_means(values, weights, cap, share, parts, found):
    """The mean of the largest `share` of each group's values. parts: room for the weight of each; found: [K].

    Values are whole numbers: the range that holds the threshold is cut into parts until it is one number, and
    sums stay exact. There are as many parts as a power of 2, so that a value's part takes no division.
    """
    largest = 0
    for k in range(len(values)):
        largest = max(largest, values[k])
    for g in range(len(found)):
        total = 0
        for k in range(len(values)):
            total += weights[g, k]
        found[g] = 0.0
        if total == 0:
            continue
        wanted = max(share * total, 1.0)
        low, bits = 0, 0  # the threshold is in [low, low + 2 ** bits)
        while min(cap[g], largest) >> bits > 0:
            bits += 1
        above = 0  # weight above that range
        while bits > 0:
            shift = 0
            while len(parts) << shift < 1 << bits:
                shift += 1
            _divide(values, weights[g], cap[g], low, bits, shift, parts)
            part = (1 << bits - shift) - 1
            while above + parts[part] < wanted:
                above += parts[part]
                part -= 1
            low += part << shift
            bits = shift
        above_sum = 0
        for k in range(len(values)):
            value = min(values[k], cap[g])
            above_sum += weights[g, k] * value * (value > low)
        found[g] = (above_sum + (wanted - above) * low) / wanted


@kernel
def _divide(values, weights, cap, low, bits, shift, parts):
    """The weight of the values in each part of a range."""
    for part in range(1 << bits - shift):
        parts[part] = 0
    for k in range(len(values)):
        value = min(values[k], cap)
        if 0 <= value - low < 1 << bits:  # a weight may well be 0
            parts[(value - low) >> shift] += weights[k]


@entry()
def count(spans, long, first_long, twice, row_steps, numbers):
    """How many gaps each request has. numbers: [m]."""
    for j in range(len(spans)):
        numbers[j] = twice[j]
        if spans[j, 0] < 0:
            continue
        row, done = spans[j, 0], spans[j, 1]
        for h in range(first_long[j], first_long[j + 1]):
            numbers[j] += 1 + _steps_between(row, done, long[h, 1], long[h, 2], row_steps)
            row, done = long[h, 3], long[h, 4]
        numbers[j] += _steps_between(row, done, spans[j, 2], spans[j, 3], row_steps)


@kernel
def _steps_between(row, done, end, end_done, row_steps):
    steps = end_done - done
    for k in range(row, end):
        steps += row_steps[k]
    return steps


@entry()
def percentiles(values, row_steps, spans, long, first_long, twice, numbers, percent, largest, found):
    """The percentile of each request's gaps, between its neighbours in rank; only the largest are looked at.

    largest: room for as many as lie above the percentile of the request with the most, and two.
    """
    for j in range(len(spans)):
        if numbers[j] == 0:
            continue
        rank = percent / 100 * (numbers[j] - 1)
        kept = numbers[j] - int(rank)
        for k in range(kept):
            largest[k] = -1
        row, done = spans[j, 0], spans[j, 1]
        for h in range(first_long[j], first_long[j + 1]):
            _keep_steps(row, done, long[h, 1], long[h, 2], values, row_steps, largest, kept)
            _keep(values[len(row_steps) + h], 1, largest, kept)
            row, done = long[h, 3], long[h, 4]
        _keep_steps(row, done, spans[j, 2], spans[j, 3], values, row_steps, largest, kept)
        _keep(values[spans[j, 2]], twice[j], largest, kept)
        low = largest[kept - 1]
        high = largest[kept - 2] if kept > 1 else low
        found[j] = low + (high - low) * (rank - int(rank))


@kernel
def _keep_steps(row, done, end, end_done, values, row_steps, largest, kept):
    """Keep the gaps from one position to another, if they are among the largest."""
    for k in range(row, end + 1):
        steps = (end_done if k == end else row_steps[k]) - (done if k == row else 0)
        _keep(values[k], steps, largest, kept)


@kernel
def _keep(value, times, largest, kept):
    """Put a value in its place among the `kept` largest, descending, so many times."""
    for _ in range(min(times, kept)):
        if value <= largest[kept - 1]:
            return
        place = kept - 1
        while place > 0 and largest[place - 1] < value:
            largest[place] = largest[place - 1]
            place -= 1
        largest[place] = value
