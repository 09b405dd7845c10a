"""Compiled passes over the gaps between tokens; gaps.py says what the arrays are.

n, m requests, R rows of the step log, H long gaps, K groups.
"""

from __future__ import annotations

from blis.jit import entry, kernel


@entry()
def locate(steps, instance, first_row, first_step, landmarks, shifts, positions):
    """Positions of two steps of each request. steps: [n, 2]; first_row: [instances + 1]; positions: [n, 4].

    landmarks: [R], shifts: [instances]: room for the rows that hold every 2**shift-th step of an instance, as many as
    it has rows at most, so that a step is looked for among a few rows.
    """
    for i in range(len(shifts)):
        _set_landmarks(first_row[i], first_row[i + 1], first_step, landmarks, shifts, i)
    for j in range(len(steps)):
        begin, end = first_row[instance[j]], first_row[instance[j] + 1]
        shift = shifts[instance[j]]
        for k in range(2):
            positions[j, 2 * k] = -1
            positions[j, 2 * k + 1] = 0
            if steps[j, 0] < 1 or begin == end:
                continue
            mark = begin + (steps[j, k] >> shift)
            marks = begin + (first_step[end - 1] >> shift)
            row = landmarks[min(mark, marks)]
            left = (landmarks[mark + 1] if mark < marks else end - 1) - row + 1
            while left > 1:
                half = left // 2
                row += half * (first_step[row + half] <= steps[j, k])
                left -= half
            positions[j, 2 * k] = row
            positions[j, 2 * k + 1] = steps[j, k] - first_step[row] + 1


@kernel
def _set_landmarks(begin, end, first_step, landmarks, shifts, i):
    """The row in which step 2**shift * k is, or the first one, for every k until the last row begins."""
    shifts[i] = 0
    if begin == end:
        return
    while first_step[end - 1] >> shifts[i] >= end - begin:
        shifts[i] += 1
    row = begin
    for k in range((first_step[end - 1] >> shifts[i]) + 1):
        while row + 1 < end and first_step[row + 1] <= k << shifts[i]:
            row += 1
        landmarks[begin + k] = row


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
def worst_means(values, weights, cap, share, parts, sums, found):
    """The mean of the largest `share` of each group's values. parts, sums: room for each part's; found: [K].

    Values are whole numbers: the range that holds the threshold is cut into parts until it is one number, and
    sums stay exact.
    """
    for g in range(len(found)):
        low, high = 0, cap[g]
        wanted = 0.0
        above, above_sum = 0, 0  # weight above `high`, and its sum
        while low < high:
            width = (high - low) // len(parts) + 1
            for part in range(len(parts)):
                parts[part] = 0
                sums[part] = 0
            for k in range(len(values)):
                value = min(values[k], cap[g])
                if weights[g, k] > 0 and low <= value <= high:
                    part = (value - low) // width
                    parts[part] += weights[g, k]
                    sums[part] += weights[g, k] * value
            if wanted == 0.0:
                total = 0
                for part in range(len(parts)):
                    total += parts[part]
                if total == 0:
                    break
                wanted = max(share * total, 1.0)
            part = (high - low) // width
            while above + parts[part] < wanted:
                above += parts[part]
                above_sum += sums[part]
                part -= 1
            low += part * width
            high = min(low + width - 1, high)
        found[g] = (above_sum + (wanted - above) * low) / wanted if wanted > 0.0 else 0.0


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
