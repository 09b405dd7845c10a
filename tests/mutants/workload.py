"""Faults in requests: arrivals, lengths, populations, clients, the tree of contents, files."""

from __future__ import annotations

from tests.mutants import Mutant

_ARRIVALS, _LENGTHS = "blis/workload/draw/arrivals.py", "blis/workload/draw/lengths.py"
_GENERATE, _SPEC = "blis/workload/draw/generate.py", "blis/workload/draw/spec.py"
_SENDERS, _WHO, _PROMPTS = (f"blis/workload/draw/{name}.py" for name in ("senders", "who", "prompts"))
_RATES, _SESSIONS, _DRAWN_TURNS = (f"blis/workload/draw/{name}.py" for name in ("rates", "sessions", "turns"))
_TREE, _REUSE = "blis/workload/content/tree.py", "blis/workload/content/reuse.py"
_CHAINS, _CHAINS_TESTS = "blis/workload/content/chains.py", ("tests/blis/workload/content/test_chains.py",)
_CSV, _SHEET = "blis/workload/read/csv_requests.py", "blis/workload/read/sheet.py"
_MOONCAKE, _MOONCAKE_TESTS = "blis/workload/read/mooncake.py", ("tests/blis/workload/read/test_mooncake.py",)
_CLOCK, _CLOCK_TESTS = "blis/workload/read/clock.py", ("tests/blis/workload/read/test_clock.py",)
_HASHES, _HASHES_TESTS = "blis/workload/read/hash_blocks.py", ("tests/blis/workload/read/test_hash_blocks.py",)
_LENGTHS_ONLY, _LENGTHS_ONLY_TESTS = "blis/workload/read/lengths.py", ("tests/blis/workload/read/test_lengths.py",)
_FOLLOW, _FOLLOW_TESTS = "blis/workload/follow.py", ("tests/blis/workload/test_follow.py",)
_LIMITS, _LIMITS_TESTS = "blis/tables/limits.py", ("tests/blis/tables/test_limits.py",)
_TURNS, _TURNS_TESTS = "blis/workload/read/turns.py", ("tests/blis/workload/read/test_turns.py",)
_AGENTIC, _AGENTIC_TESTS = "blis/workload/read/agentic.py", ("tests/blis/workload/read/test_agentic.py",)
_TRAFFIC = "blis/workload/read/traffic.py"
_BLOCKS, _BLOCKS_TESTS = "blis/workload/content/blocks.py", ("tests/blis/workload/content/test_blocks.py",)
_FORMATS, _TRACES = "blis/workload/read/trace_formats.py", "blis/workload/read/traces.py"
_ASSEMBLE, _CAPACITY, _SUBSET = "blis/workload/assemble.py", "blis/workload/capacity.py", "blis/workload/subset.py"
_DRAW = "tests/blis/workload/draw"
_RATES_TESTS, _DRAWN_TURNS_TESTS = (f"{_DRAW}/test_rates.py",), (f"{_DRAW}/test_turns.py",)
_ARRIVALS_TESTS, _LENGTHS_TESTS = (f"{_DRAW}/test_arrivals.py",), (f"{_DRAW}/test_lengths.py",)
_GENERATE_TESTS, _SPEC_TESTS = (f"{_DRAW}/test_generate.py",), (f"{_DRAW}/test_spec.py",)
_TREE_TESTS, _REUSE_TESTS = (
    ("tests/blis/workload/content/test_tree.py",),
    ("tests/blis/workload/content/test_reuse.py",),
)
_CSV_TESTS, _SHEET_TESTS = (
    ("tests/blis/workload/read/test_csv_requests.py",),
    ("tests/blis/workload/read/test_sheet.py",),
)
_TIMES, _TIMES_TESTS = "blis/workload/read/wall_times.py", ("tests/blis/workload/read/test_wall_times.py",)
_FORMATS_TESTS, _TRACES_TESTS = (
    ("tests/blis/workload/read/test_trace_formats.py",),
    ("tests/blis/workload/read/test_traces.py",),
)
_ASSEMBLE_TESTS, _CAPACITY_TESTS = ("tests/blis/workload/test_assemble.py",), ("tests/blis/workload/test_capacity.py",)
_SUBSET_TESTS = ("tests/blis/workload/test_subset.py",)

MUTANTS = (
    Mutant(
        _ARRIVALS,
        "random.standard_gamma(1 / cv**2, n) * cv**2",
        "random.standard_gamma(1 / cv, n) * cv",
        _ARRIVALS_TESTS,
        "bursts are the square root of what was asked",
    ),
    Mutant(
        _ARRIVALS,
        "random.standard_gamma(1 / cv**2, n) * cv**2",
        "random.standard_gamma(1 / cv**2, n)",
        _ARRIVALS_TESTS,
        "bursty traffic has another rate",
    ),
    Mutant(
        _ARRIVALS,
        "Times(source, stream(seed, source.stream_name))",
        "Times(source, stream(seed, 'arrivals'))",
        _ARRIVALS_TESTS,
        "all clients arrive together",
    ),
    Mutant(
        _ARRIVALS,
        'order = np.argsort(merged, kind="stable")',
        "order = np.arange(len(merged))",
        _ARRIVALS_TESTS,
        "arrivals are not sorted",
    ),
    Mutant(
        _ARRIVALS,
        "np.searchsorted(merged, horizon_us)",
        "np.searchsorted(merged, horizon_us, side='right')",
        _ARRIVALS_TESTS,
        "somebody arrives at the horizon",
    ),
    Mutant(
        _ARRIVALS,
        "        if all(reach >= end for _, reach in drawn):\n            break\n",
        "        break\n",
        _ARRIVALS_TESTS,
        "sequences end too early",
    ),
    Mutant(
        _ARRIVALS,
        "found = np.maximum.accumulate(found)",
        "pass",
        _ARRIVALS_TESTS,
        "two arrive at once, or at 0",
    ),
    Mutant(_ARRIVALS, "np.rint(times)", "np.floor(times)", _ARRIVALS_TESTS, "times are rounded down"),
    Mutant(
        _ARRIVALS, "if wanted > MAX_REQUESTS:", "if wanted < 0:", _ARRIVALS_TESTS, "any number of requests is drawn"
    ),
    Mutant(_LENGTHS, "np.rint(LENGTH_LAWS", "np.floor(LENGTH_LAWS", _LENGTHS_TESTS, "lengths are rounded down"),
    Mutant(
        _LENGTHS,
        'max(self.least, self.params.get("min", self.least))',
        'self.params.get("min", 0)',
        _LENGTHS_TESTS,
        "empty prompts",
    ),
    Mutant(
        _LENGTHS,
        'params["min"] * (params["max"] / params["min"]) ** random.random(n)',
        'params["min"] + (params["max"] - params["min"]) * random.random(n)',
        _LENGTHS_TESTS,
        "uniform for log-uniform",
    ),
    Mutant(
        _LENGTHS,
        'low + params["mean"] * (math.exp(',
        'params["mean"] * (math.exp(',
        _LENGTHS_TESTS,
        "means of clipped exponentials without their least value",
    ),
    Mutant(
        _LENGTHS,
        "return low * below(low) + high * (1 - below(high)) + middle",
        "return middle",
        _LENGTHS_TESTS,
        "means of clipped normals without their tails",
    ),
    Mutant(
        _LENGTHS,
        'random.standard_normal(n) * params["std_dev"] + params["mean"]',
        'random.standard_normal(n) * params["std_dev"] ** 0.5 + params["mean"]',
        _LENGTHS_TESTS,
        "the deviation is its root",
    ),
    Mutant(
        _SPEC,
        "weight / whole for weight",
        "weight for weight",
        _GENERATE_TESTS,
        "rates of clients are not normalised",
    ),
    Mutant(
        _GENERATE,
        "share * _mean_tokens(spec, one, prefixes)",
        "_mean_tokens(spec, one, prefixes)",
        _GENERATE_TESTS,
        "mean lengths are not normalised",
    ),
    Mutant(
        _SENDERS,
        "dtype=np.float64) ** -self.zipf",
        "dtype=np.float64) ** self.zipf",
        (*_GENERATE_TESTS, *_TRACES_TESTS),
        "the last tenant sends most",
    ),
    Mutant(_SENDERS, "return weights / weights.sum()", "return weights", _GENERATE_TESTS, "shares do not sum to 1"),
    Mutant(
        _WHO,
        'stream(spec_seed, "population/prefix_length")',
        'stream(0, "population/prefix_length")',
        _GENERATE_TESTS,
        "every population has the same prefixes",
    ),
    Mutant(
        _WHO,
        "population_prefix_tokens(population, spec_seed).take",
        "population_prefix_tokens(population, seed).take",
        _GENERATE_TESTS,
        "every table has other prefixes",
    ),
    Mutant(
        _WHO,
        'drawn("workload/prefix").random(n) >= share',
        'drawn("workload/prefix").random(n) < share',
        _GENERATE_TESTS,
        "prefixes for the others",
    ),
    Mutant(
        _WHO,
        'drawn("workload/tenant"), population',
        'drawn("workload/class"), population',
        _GENERATE_TESTS,
        "tenants and classes go together",
    ),
    Mutant(
        _PROMPTS,
        'one.output_distribution.sample(streams("output")',
        'one.output_distribution.sample(streams("input")',
        _GENERATE_TESTS,
        "outputs of clients are as long as their prompts",
    ),
    Mutant(
        _GENERATE,
        'streams("workload/uniform").random(len(input_tokens))',
        'Fresh(0)("workload/uniform").random(len(input_tokens))',
        _GENERATE_TESTS,
        "ties fall alike in all tables",
    ),
    Mutant(
        _GENERATE,
        "input_tokens += drawn.said_before",
        "np.maximum(input_tokens, drawn.said_before, out=input_tokens)",
        _GENERATE_TESTS,
        "a prefix is not additional",
    ),
    Mutant(
        _WHO,
        'draws[unsure] * upto[-1], side="right")',
        'draws[unsure], side="right")',
        _GENERATE_TESTS,
        "shares need not sum to 1",
        equal="shares are checked to sum to 1 within rounding",
    ),
    Mutant(
        _GENERATE,
        "limit = n or spec.num_requests or None",
        "limit = spec.num_requests or n or None",
        _GENERATE_TESTS,
        "the number asked for is ignored",
    ),
    Mutant(
        _GENERATE,
        "prefix = one.prefix.share * float(",
        "prefix = float(",
        _GENERATE_TESTS,
        "all requests carry a prefix on average",
    ),
    Mutant(
        _SPEC,
        "return groups | lengths",
        "return lengths | groups",
        _SPEC_TESTS + _GENERATE_TESTS,
        "lengths of prefixes are ignored",
    ),
    Mutant(_SPEC, "if known != client.prefix_length:", "if not known:", _SPEC_TESTS, "two lengths of one prefix"),
    Mutant(
        _SENDERS,
        "if abs(sum(shares.values()) - 1) > 1e-9:",
        "if sum(shares.values()) > 1 + 1e-9:",
        _SPEC_TESTS,
        "classes may sum to less",
    ),
    Mutant(
        _SPEC,
        "if described == (self.servegen_data is not None):",
        "if not described and self.servegen_data is None:",
        (f"{_DRAW}/test_servegen.py",),
        "clients and data of ServeGen's",
    ),
    Mutant(
        _SPEC,
        "if first.setdefault(name, i) != i:",
        "if first.setdefault(name, i) > i:",
        _SPEC_TESTS,
        "two clients of one name",
    ),
    Mutant(
        _RATES,
        "factor *= active",
        "factor *= 1",
        _RATES_TESTS,
        "windows are ignored",
    ),
    Mutant(
        _RATES,
        "trough = 2 / (1 + self.peak_to_trough_ratio)",
        "trough = 1 / self.peak_to_trough_ratio",
        _RATES_TESTS,
        "a day has another mean than its rate",
    ),
    Mutant(
        _RATES,
        "np.where(shown_s < self._shown[-1], ",
        "np.where(True, ",
        _RATES_TESTS,
        "all that is left comes at the end of the last window",
    ),
    Mutant(
        _ARRIVALS,
        "random.standard_exponential(n) ** (1 / shape) / math.gamma(1 + 1 / shape)",
        "random.standard_exponential(n) ** (1 / shape)",
        _ARRIVALS_TESTS,
        "the rate of a weibull process is not the one asked for",
    ),
    Mutant(
        _LENGTHS,
        "return np.clip(LENGTH_LAWS[self.type].sample(random, self.params, n), *self._bounds) / 100",
        "return np.maximum(np.rint(LENGTH_LAWS[self.type].sample(random, self.params, n)), 1) / 100",
        _LENGTHS_TESTS,
        "a share of nothing is a percent",
    ),
    Mutant(
        _DRAWN_TURNS,
        "OPEN_LOOP_US * turns.sums_before(prompts.output_tokens)",
        "OPEN_LOOP_US * turns.sums_before(prompts.own_tokens)",
        _DRAWN_TURNS_TESTS,
        "an open loop waits for the questions",
    ),
    Mutant(
        _DRAWN_TURNS,
        "np.maximum(think[order], 1)",
        "think[order]",
        _DRAWN_TURNS_TESTS,
        "an answer and the next question come at once",
    ),
    Mutant(
        _DRAWN_TURNS,
        "starts_us[turns.start] + np.where(closed, 0, passed)",
        "starts_us[turns.start] + passed",
        _DRAWN_TURNS_TESTS,
        "what waits for an answer stands where an estimate puts it",
    ),
    Mutant(
        _CHAINS,
        "    head[links == 0] = 0\n",
        "",
        _CHAINS_TESTS,
        "a group of one request hangs on another group",
    ),
    Mutant(
        _PROMPTS,
        "turns.sums_before(prompts.own_tokens + prompts.output_tokens)",
        "turns.sums_before(prompts.own_tokens)",
        _DRAWN_TURNS_TESTS,
        "contexts grow without the answers",
    ),
    Mutant(
        _TREE,
        "if flat and flat[-3] == number and flat[-2] + flat[-1] == start:",
        "if flat and flat[-3] == number:",
        _TREE_TESTS,
        "spans with a gap are joined",
    ),
    Mutant(
        _CHAINS,
        "shared = ~is_longest | (np.bincount(level_of_row, minlength=len(level)) > 1)",
        "shared = ~is_longest",
        _TREE_TESTS,
        "the longest prefix is never shared",
    ),
    Mutant(
        _TREE,
        "if tree.end[node] > n_input and touches[node] > 1:",
        "if tree.end[node] > n_input:",
        _TREE_TESTS,
        "nodes are cut that nobody shares",
    ),
    Mutant(
        _TREE,
        "position = np.where(outputs > 0, inputs, inputs - 1)",
        "position = inputs - 1",
        _TREE_TESTS,
        "outputs start in the prompt",
    ),
    Mutant(
        _TREE,
        "multiple = np.bincount(path_node, minlength=n_nodes) > 1",
        "multiple = np.bincount(path_node, minlength=n_nodes) > 2",
        _TREE_TESTS,
        "two do not share",
    ),
    Mutant(
        _TREE,
        "if a[i + 2] != b[i + 2]:\n            break\n",
        "pass\n",
        _TREE_TESTS,
        "what follows a shorter span is common",
    ),
    Mutant(
        _TREE,
        "bad = np.flatnonzero((prefix < 0) | (prefix > inputs)",
        "bad = np.flatnonzero((prefix < 0)",
        _TREE_TESTS,
        "prefixes longer than their prompt",
    ),
    Mutant(
        _CHAINS,
        "halved = talks.goes_on & (begin < inputs)",
        "halved = (begin < inputs)",
        _CHAINS_TESTS,
        "last rounds are cut that nobody shares",
    ),
    Mutant(
        _CHAINS,
        "begin[order[follow]] = total[order[follow - 1]]",
        "begin[order[follow]] = inputs[order[follow - 1]]",
        _CHAINS_TESTS,
        "a conversation forgets its answers",
    ),
    Mutant(
        _REUSE,
        "total = n_input + max(outputs[row] - 1, 0)",
        "total = n_input + outputs[row]",
        _REUSE_TESTS,
        "the last token is stored",
    ),
    Mutant(
        _REUSE,
        "np.minimum(seen_tokens(table), table.input_tokens - 1)",
        "seen_tokens(table)",
        _REUSE_TESTS,
        "a whole prompt is found",
    ),
    Mutant(
        _CSV,
        "prefix <= prompt, lambda",
        "prefix <= prompt + 1, lambda",
        _CSV_TESTS,
        "prefixes longer than their prompt",
    ),
    Mutant(
        _CSV,
        'columns["arrival_us"] >= previous_us',
        'columns["arrival_us"] >= previous_us - 1',
        _CSV_TESTS,
        "unsorted rows",
    ),
    Mutant(
        _SHEET,
        "if first.setdefault(value, row) != row:",
        "if not value:",
        _CSV_TESTS + _SHEET_TESTS,
        "rows of one name",
    ),
    Mutant(_CSV, "lambda value: 0 <= value < 1", "lambda value: 0 <= value <= 1", _CSV_TESTS, "a draw of 1"),
    Mutant(_CSV, "if name in labels:", "if not name:", _CSV_TESTS, "a label twice"),
    Mutant(
        _SHEET,
        "[number for number, _ in rows]",
        "list(range(1, len(rows) + 1))",
        _SHEET_TESTS + _CSV_TESTS,
        "errors name the row, not the line",
    ),
    Mutant(
        "blis/numerals.py",
        're.compile(r"-?[0-9]+")',
        're.compile(r"-?[0-9_]+")',
        ("tests/blis/test_numerals.py", *_CSV_TESTS),
        "1_000 is a number",
    ),
    Mutant(
        _SHEET, "if header.count(name) > 1:", "if header.count(name) > 2:", _SHEET_TESTS + _CSV_TESTS, "a column twice"
    ),
    Mutant(
        _MOONCAKE,
        '_MOONCAKE = _Layout(KEYS[:3], "ms", 512)',
        '_MOONCAKE = _Layout(KEYS[:3], "ms", 256)',
        _HASHES_TESTS + _MOONCAKE_TESTS,
        "blocks of half the size",
    ),
    Mutant(_MOONCAKE, 'KEYS[:3], "s", 16', 'KEYS[:3], "ms", 16', _MOONCAKE_TESTS, "Bailian's seconds are milliseconds"),
    Mutant(
        _FOLLOW,
        "np.lexsort((np.arange(len(table)), depth, opener, arrival_us[opener]))",
        "np.arange(len(table))",
        _FOLLOW_TESTS,
        "unsorted",
    ),
    Mutant(
        _TURNS, "gap_us - np.maximum(took_us[follows], 0)", "gap_us", _TURNS_TESTS, "an answer's time is paused again"
    ),
    Mutant(_TURNS, "np.where(early, -1, follows)", "follows", _TURNS_TESTS, "who did not wait waits"),
    Mutant(_AGENTIC, "steps[step].answered_s <= at_s + _ROUNDING_S", "True", _AGENTIC_TESTS, "they wait for whoever"),
    Mutant(
        _AGENTIC, '"" if row.get("hash_id_scope") == "global" else name', '""', _AGENTIC_TESTS, "sessions share all"
    ),
    Mutant(
        "blis/workload/write/mooncake.py",
        "known.setdefault((nodes[entry], end), len(known))",
        "known.setdefault((0, end), len(known))",
        ("tests/blis/workload/write/test_mooncake.py",),
        "all prompts of one length are the same",
    ),
    Mutant(
        "blis/workload/recorded/guidellm.py",
        "warm_up=start < measured_from",
        "warm_up=False",
        ("tests/blis/workload/recorded/test_guidellm.py",),
        "what warmed up is measured",
    ),
    Mutant(_CLOCK, "since * us).astype", "since * us + 1).astype", _CLOCK_TESTS, "everybody comes 1 µs later"),
    Mutant(_CLOCK, "    first = times.min()", "    first = times[0]", _CLOCK_TESTS + _MOONCAKE_TESTS, "unsorted lines"),
    Mutant(
        _CLOCK, "if len(since) >= _MANY and", "if len(since) < _MANY and", _CLOCK_TESTS, "only short files are doubted"
    ),
    Mutant(
        _CLOCK,
        "float(since.max()), len(since) - 1",
        "float(np.median(since)), len(since) - 1",
        _CLOCK_TESTS,
        "half a file's rate",
    ),
    Mutant(_CLOCK, "rate < _MOST_PER_S", "rate <= 3 * _MOST_PER_S", _CLOCK_TESTS, "whole seconds pass for ms"),
    Mutant(_CLOCK, "_LEAST_PER_S <= rate", "_LEAST_PER_S / 1000 <= rate", _CLOCK_TESTS, "µs pass for ms"),
    Mutant(_CLOCK, "if not given:\n", "if given:\n", _CLOCK_TESTS, "a user is doubted, a format is not"),
    Mutant(
        _BLOCKS,
        "_mixed(block.view(np.uint64) + _mixed(",
        "(block.view(np.uint64) + 0 * _mixed(",
        _BLOCKS_TESTS,
        "blocks in another order are the same",
    ),
    Mutant(_BLOCKS, "(rows_with > 1) & ~", "(rows_with > 0) & ~", _BLOCKS_TESTS, "what nobody shares is cut"),
    Mutant(_HASHES, "(tokens < low) | (tokens > high)", "tokens > high", _HASHES_TESTS, "too few ids"),
    Mutant(_HASHES, "if len(powers) == 1 else 0", "if powers else 0", _HASHES_TESTS, "a size is guessed"),
    Mutant(
        _LENGTHS_ONLY,
        "(ticks - ticks.min() + 5) // 10",
        "(ticks - ticks.min()) // 10",
        _LENGTHS_ONLY_TESTS,
        "wall times are rounded down",
    ),
    Mutant(
        _LENGTHS_ONLY,
        "kept=output_tokens > 0 if unanswered else None",
        "kept=None",
        _LENGTHS_ONLY_TESTS,
        "requests that failed are sent again",
    ),
    Mutant(
        _TRAFFIC,
        "hashes.of_rows(rows)",
        "hashes",
        _MOONCAKE_TESTS,
        "a sorted request has the hashes of another",
    ),
    Mutant(_TIMES, '.ljust(7, "0")', '.rjust(7, "0")', _LENGTHS_ONLY_TESTS, ".5 is 5 ticks"),
    Mutant(_TIMES, '-1 if sign == "-" else 1', '1 if sign == "-" else -1', _TIMES_TESTS, "offsets are added"),
    Mutant(_TIMES, "if offset != with_offset:", "if False:", _TIMES_TESTS, "times without an offset are UTC"),
    Mutant(
        "blis/workload/read/told.py",
        "best = max(count, key=count.__getitem__)",
        "best = next(iter(count))",
        _FORMATS_TESTS,
        "every file is of the first format",
    ),
    Mutant(
        _TRACES,
        "table.arrival_us / rate_scale",
        "table.arrival_us * rate_scale",
        _TRACES_TESTS,
        "faster is slower",
    ),
    Mutant(
        _TRACES,
        "last = min(last, first + spec.first)",
        "last = min(last, spec.first)",
        _TRACES_TESTS,
        "`first` counts from the file's start",
    ),
    Mutant(
        _TRACES,
        "if spec.classes is not None and not any(table.slo_names):",
        "if spec.classes is not None:",
        _TRACES_TESTS,
        "classes of the file are drawn anew",
    ),
    Mutant(_TRACES, "size=n, p=shares)", "size=n)", _TRACES_TESTS, "all tenants send alike"),
    Mutant(
        _TRACES, 'draws_ties=name != "requests"', "draws_ties=True", _TRACES_TESTS, "ties of the file are drawn anew"
    ),
    Mutant(
        _TRACES,
        'stream(spec.seed, "trace/uniform")',
        'stream(0, "trace/uniform")',
        _TRACES_TESTS,
        "ties ignore the seed",
    ),
    Mutant(_ASSEMBLE, "and not np.array_equal(column, given):", "and False:", _ASSEMBLE_TESTS, "halves are rounded"),
    Mutant(
        _ASSEMBLE, "(uniform >= 0) & (uniform < 1)", "(uniform >= 0) & (uniform <= 1)", _ASSEMBLE_TESTS, "a draw of 1"
    ),
    Mutant(_ASSEMBLE, "len(set(ids)) != len(ids)", "not ids", _ASSEMBLE_TESTS, "two rows of one name"),
    Mutant(_ASSEMBLE, "(inputs >= 1) &", "(inputs >= 0) &", _ASSEMBLE_TESTS, "empty prompts"),
    Mutant(
        "blis/tables/requests.py",
        "(len(self) - 1) / max(self.span_us, 1) * 1e6",
        "len(self) / max(self.span_us, 1) * 1e6",
        _CAPACITY_TESTS,
        "one request too many in a span",
    ),
    Mutant(
        _CAPACITY,
        "steps = max((prompt + decodes * (1 + drafts)) / budget, (",
        "steps = min((prompt + decodes * (1 + drafts)) / budget, (",
        _CAPACITY_TESTS,
        "the looser limit counts",
    ),
    Mutant(
        _CAPACITY,
        "members = max(1.0, min(instance.batch.most_running, kv_tokens",
        "members = max(1.0, max(instance.batch.most_running, kv_tokens",
        _CAPACITY_TESTS,
        "memory does not limit the batch",
    ),
    Mutant(
        _SUBSET,
        "shared = numbered(path_node, len(table.tree.parent))",
        "shared = table.tree.shared",
        _SUBSET_TESTS,
        "what nobody shares any more is shared",
    ),
    Mutant(
        _SUBSET, "return replace(kept, scored=(first, last))", "return kept", _SUBSET_TESTS, "scored rows are forgotten"
    ),
    Mutant(
        _SUBSET,
        "request_ids=tuple(table.request_id(row) for row in np.arange(len(table))[rows].tolist())",
        "request_ids=None",
        _SUBSET_TESTS,
        "rows are renamed",
    ),
    Mutant(
        _FOLLOW,
        "np.where(stays, table.predecessor, -1)",
        "table.predecessor",
        _FOLLOW_TESTS,
        "conversations go on across an edge",
    ),
    Mutant(_FOLLOW, 'soonest_us, side="right")', "soonest_us)", _FOLLOW_TESTS, "who comes at an edge is before it"),
    Mutant(
        _TRACES,
        "np.rint(table.think_us / rate_scale)",
        "np.rint(table.think_us / 1)",
        _TRACES_TESTS,
        "clients think as long however fast the trace goes",
    ),
    Mutant(
        _TRACES,
        "table = cut_at(table, (start_us, end_us))",
        "pass",
        _TRACES_TESTS,
        "a part of the time holds conversations that begin in it, whole",
    ),
    Mutant(
        _DRAWN_TURNS,
        "output_tokens[talks.predecessor] + input_tokens",
        "input_tokens",
        _DRAWN_TURNS_TESTS,
        "an answer takes no time to its client",
    ),
    Mutant(
        _LIMITS,
        "np.where(crosses[node], tokens, table.path_end_token)[stays]",
        "table.path_end_token[stays]",
        _LIMITS_TESTS,
        "prompts that are cut go on in their paths",
    ),
    Mutant(
        _LIMITS,
        "crosses[node] & ~cut[row], np",
        "crosses[node], np",
        _LIMITS_TESTS,
        "answers to prompts that are cut are found where the whole prompt was",
    ),
    Mutant(
        _LIMITS,
        'np.argsort(tree.start_token, kind="stable")',
        "np.arange(len(tree.start_token))",
        _LIMITS_TESTS,
        "what is behind a cut has a larger number than its children",
    ),
)
