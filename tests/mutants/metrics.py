"""Faults in the numbers of a run: counts, distributions, detectors, what-ifs, and the laws."""

from __future__ import annotations

from tests.mutants import Mutant

_METRICS, _RAW = "blis/evaluation/metrics.py", "blis/evaluation/raw_metrics.py"
_DISTRIBUTION = "blis/evaluation/distribution.py"
_RATIOS, _ATTAINMENT = "blis/evaluation/ratios.py", "blis/evaluation/attainment.py"
_HITS, _LAWS = "blis/evaluation/hit_rates.py", "blis/evaluation/laws.py"
_WHAT_IF, _DECISIONS = "blis/evaluation/counterfactual.py", "blis/evaluation/decisions.py"
_IMBALANCE = "blis/evaluation/detectors/imbalance.py"
_INVERSIONS = "blis/evaluation/detectors/inversions.py"
_SATURATION = "blis/evaluation/detectors/saturation.py"
_FOLDER = "tests/blis/evaluation"
_METRICS_TESTS, _RAW_TESTS = (f"{_FOLDER}/test_metrics.py",), (f"{_FOLDER}/test_raw_metrics.py",)
_DISTRIBUTION_TESTS = (f"{_FOLDER}/test_distribution.py",)
_LAWS_TESTS, _WHAT_IF_TESTS = (f"{_FOLDER}/test_laws.py",), (f"{_FOLDER}/test_counterfactual.py",)
_DECISIONS_TESTS = (f"{_FOLDER}/test_decisions.py", f"{_FOLDER}/test_decisions_of_runs.py")
_DETECTORS = f"{_FOLDER}/detectors"

MUTANTS = (
    Mutant(
        _LAWS,
        "inside |= admitted & (status == IN_TRANSIT)",
        "inside |= status == IN_TRANSIT",
        _LAWS_TESTS,
        "who waits for admission at the horizon is expected in flight",
    ),
    Mutant(
        _LAWS,
        "settled = (started_us[rows], result.routed_us[rows]) if gateway else ()",
        "settled = (started_us[rows], result.routed_us[rows])",
        _LAWS_TESTS,
        "of equal arrivals the second may be served first",
    ),
    Mutant(
        _RAW,
        "offered=len(result) - count[NOT_ARRIVED]",
        "offered=len(result)",
        _RAW_TESTS,
        "who never came was offered",
    ),
    Mutant(
        _RAW,
        'ratio(int(instances["preemptions"].sum()), count[COMPLETED])',
        'ratio(int(instances["preemptions"].sum()), len(result))',
        _RAW_TESTS,
        "preemptions per request that came",
    ),
    Mutant(_RAW, "ttft_us=known(result.ttft_us, 1.0)", "ttft_us=known(result.ttft_us)", _RAW_TESTS, "µs are ms"),
    Mutant(
        _DISTRIBUTION,
        "return distribution(values[values >= 0], unit)",
        "return distribution(values, unit)",
        _RAW_TESTS + _METRICS_TESTS,
        "what never happened took -1 µs",
    ),
    Mutant(
        _DISTRIBUTION,
        "rank = percent / 100 * int(last_rank[-1])",
        "rank = percent / 100 * (int(last_rank[-1]) + 1)",
        _DISTRIBUTION_TESTS,
        "percentiles of another definition",
    ),
    Mutant(
        _DISTRIBUTION,
        "+ ((high - low) * (rank - np.floor(rank))) / unit",
        "",
        _DISTRIBUTION_TESTS,
        "percentiles are not interpolated",
    ),
    Mutant(
        _DISTRIBUTION,
        "(50, 90, 95, 99))",
        "(50, 95, 90, 99))",
        _DISTRIBUTION_TESTS + _METRICS_TESTS,
        "two percentiles are exchanged",
    ),
    Mutant(
        _DISTRIBUTION,
        "np.dot(numbers.values.astype(np.float64), numbers.weights.astype(np.float64))) / n",
        "numbers.values.mean() * n) / n",
        _DISTRIBUTION_TESTS + _METRICS_TESTS,
        "means without weights",
    ),
    Mutant(
        _RATIOS,
        "(len(shares) * squares)",
        "squares",
        (f"{_FOLDER}/test_ratios.py",),
        "Jain's index grows with the number",
    ),
    Mutant(
        _RATIOS,
        "count / (duration_us / US_PER_S) if duration_us else 0.0",
        "count / duration_us if duration_us else 0.0",
        _RAW_TESTS,
        "rates per µs",
    ),
    Mutant(
        _METRICS,
        "completed & (table.output_tokens > 1)])",
        "completed & (table.output_tokens > 0)])",
        _METRICS_TESTS,
        "single tokens have a pace",
    ),
    Mutant(
        _METRICS,
        'peak_kv_share=float(np.max(instances["peak_blocks"] / blocks))',
        'peak_kv_share=float(np.mean(instances["peak_blocks"] / blocks))',
        _METRICS_TESTS,
        "the fullest cache is the average",
    ),
    Mutant(
        _METRICS,
        "weights=completed * table.output_tokens)",
        "weights=table.output_tokens)",
        _METRICS_TESTS,
        "tokens of unfinished requests are fair shares",
    ),
    Mutant(
        _METRICS,
        "tokens[np.bincount(table.tenant) > 0]",
        "tokens",
        _METRICS_TESTS,
        "tenants without a request are treated unfairly",
    ),
    Mutant(
        _METRICS,
        "(result.status == IN_TRANSIT) & (result.instance < 0)",
        "(result.status == IN_TRANSIT) & (result.instance >= 0)",
        _METRICS_TESTS,
        "the routed ones are unrouted",
    ),
    Mutant(
        _METRICS,
        "ttft_in_time=ttft_attainment(scenario, table, result, member)",
        "ttft_in_time=ttft_attainment(scenario, table, result)",
        _METRICS_TESTS,
        "a class is in time as all are",
    ),
    Mutant(
        _METRICS,
        "known(result.e2e_us[member])",
        "known(result.e2e_us)",
        _METRICS_TESTS,
        "a class is as fast as all are",
    ),
    Mutant(
        _METRICS,
        "labels = sorted(set(named))",
        "labels = sorted(set(table.slo_names))",
        _METRICS_TESTS,
        "requests without a class are apart from class `default`",
    ),
    Mutant(
        _ATTAINMENT,
        "(met & answered, answered, offered)",
        "(met, answered, offered)",
        (f"{_FOLDER}/test_attainment.py",),
        "who got no answer was in time",
    ),
    Mutant(
        _ATTAINMENT,
        "offered = result.status != NOT_ARRIVED",
        "offered = result.status == result.status",
        (f"{_FOLDER}/test_attainment.py",),
        "who never came was offered",
    ),
    Mutant(
        _ATTAINMENT,
        "offered = offered & among",
        "pass",
        (f"{_FOLDER}/test_attainment.py", *_METRICS_TESTS),
        "a class is offered everything",
    ),
    Mutant(
        _ATTAINMENT,
        "return ratio(self.met, self.offered)",
        "return ratio(self.met, self.answered)",
        (f"{_FOLDER}/test_attainment.py",),
        "shares of those answered",
    ),
    Mutant(
        _HITS,
        "headline=mean_diluted if compat.mean_hit_rate else prompt",
        "headline=prompt if compat.mean_hit_rate else mean_diluted",
        (f"{_FOLDER}/test_hit_rates.py", *_METRICS_TESTS),
        "headlines are exchanged",
    ),
    Mutant(
        _HITS,
        'hits = counters["hit_blocks"] + counters["cpu_hit_blocks"]',
        'hits = counters["hit_blocks"]',
        (f"{_FOLDER}/test_hit_rates.py",),
        "the second tier's hits are none",
    ),
    Mutant(
        _HITS,
        "ratio(int(thrashed.sum()), int(offloaded.sum()))",
        "_mean_ratio(thrashed, offloaded)",
        (f"{_FOLDER}/test_hit_rates.py",),
        "thrashing is a mean",
    ),
    Mutant(
        _WHAT_IF,
        "other = simulate(scenario, table, compat, Observe",
        "other = simulate(scenario, table, None, Observe",
        _WHAT_IF_TESTS,
        "replays forget the rules of the run",
    ),
    Mutant(
        _WHAT_IF,
        "found = what_if(scenario, table, result, row, instances, compat)",
        "found = what_if(scenario, table, result, row, instances)",
        _WHAT_IF_TESTS,
        "records forget the rules of the run",
    ),
    Mutant(
        "blis/cli/run.py",
        "replay_records(*parts, choices, result.compat)",
        "replay_records(*parts, choices)",
        ("tests/blis/cli/test_run_original.py",),
        "the command's replays forget the rules of the run",
    ),
    Mutant(
        _WHAT_IF,
        "max([0, *(-found.e2e_us for",
        "max([0, *(found.e2e_us for",
        _WHAT_IF_TESTS,
        "regret is what the worst would have cost",
    ),
    Mutant(_WHAT_IF, "if j != chosen]", "]", _WHAT_IF_TESTS, "the choice itself is another one"),
    Mutant(
        _WHAT_IF,
        "both = (was_us >= 0) & (other_us >= 0)",
        "both = other_us >= 0",
        _WHAT_IF_TESTS + _DECISIONS_TESTS,
        "means over requests with one time only",
    ),
    Mutant(
        _WHAT_IF,
        "completed=completed[1] - completed[0]",
        "completed=completed[0] - completed[1]",
        _WHAT_IF_TESTS + _DECISIONS_TESTS,
        "fewer completions are more",
    ),
    Mutant(
        _DECISIONS,
        "return self._regret(-self.load)",
        "return self._regret(self.load)",
        _DECISIONS_TESTS,
        "the fullest is the best",
    ),
    Mutant(
        _DECISIONS,
        'np.where(self.views["eligible"] != 0, worth, -np.inf)',
        'np.where(self.views["turn"] >= 0, worth, -np.inf)',
        _DECISIONS_TESTS,
        "regrets of instances that were filtered out",
    ),
    Mutant(
        _DECISIONS,
        'if self.original and self.policy == "weighted" else',
        'if self.policy == "weighted" else',
        _DECISIONS_TESTS,
        "regret is by score",
    ),
    Mutant(
        _DECISIONS,
        'np.argsort(-self.regret[self.routed], kind="stable")',
        'np.argsort(self.regret[self.routed], kind="stable")',
        (*_DECISIONS_TESTS, "tests/blis/cli/test_run_original.py"),
        "the least regretted come first",
    ),
    Mutant(
        _DECISIONS, "late |= decided_us > (", "late |= decided_us < (", _DECISIONS_TESTS, "decisions after the horizon"
    ),
    Mutant(
        _DECISIONS,
        "result.arrival_us + scenario.cluster.admission.latency_us",
        "result.arrival_us",
        _DECISIONS_TESTS,
        "admissions take no time",
    ),
    Mutant(
        _IMBALANCE,
        "others = (queue.sum() - queue) / (len(queue) - 1)",
        "others = queue.sum() / len(queue)",
        (f"{_DETECTORS}/test_imbalance.py",),
        "a queue is among its others",
    ),
    Mutant(
        _IMBALANCE,
        "(queue > FACTOR * others) & (queue >= MIN_WAITING)",
        "queue > FACTOR * others",
        (f"{_DETECTORS}/test_imbalance.py",),
        "a queue of nobody is long",
    ),
    Mutant(
        _IMBALANCE,
        'np.maximum(counters["steps"], 1)',
        'np.maximum(counters["steps"] - 1, 1)',
        (f"{_DETECTORS}/test_imbalance.py", *_METRICS_TESTS),
        "one step too few",
    ),
    Mutant(
        _INVERSIONS,
        "SLOWER * e2e_us, later",
        "e2e_us, later",
        (f"{_DETECTORS}/test_inversions.py",),
        "slower is slower by anything",
    ),
    Mutant(
        _INVERSIONS,
        "sorter=order)\n        last",
        "sorter=order) - 1\n        last",
        (f"{_DETECTORS}/test_inversions.py",),
        "who went before the other came overtook",
    ),
    Mutant(
        _INVERSIONS,
        'np.searchsorted(arrival_us, arrival_us, side="right")',
        'np.searchsorted(arrival_us, arrival_us, side="left")',
        (f"{_DETECTORS}/test_inversions.py",),
        "equal arrivals are later",
    ),
    Mutant(
        _SATURATION,
        "GROWTH = 0.05",
        "GROWTH = 0.5",
        (f"{_DETECTORS}/test_saturation.py",),
        "hardly anything is overload",
    ),
    Mutant(
        _SATURATION,
        "NEVER_CLEARS = 0.95",
        "NEVER_CLEARS = 0.2",
        (f"{_DETECTORS}/test_saturation.py",),
        "every queue is a backlog",
    ),
    Mutant(
        _LAWS,
        'counters["peak_blocks"] > blocks)',
        'counters["peak_blocks"] > 2 * blocks)',
        _LAWS_TESTS,
        "more blocks than there are",
    ),
    Mutant(
        _LAWS, "done & (result.e2e_us < result.ttft_us)", "done & (result.e2e_us < 0)", _LAWS_TESTS, "E2E below TTFT"
    ),
    Mutant(
        _LAWS,
        "done & (generated != table.output_tokens)",
        "done & (generated > table.output_tokens)",
        _LAWS_TESTS,
        "completed without all tokens",
    ),
    Mutant(
        _LAWS,
        "result.cached_tokens > table.input_tokens",
        "result.cached_tokens < 0",
        _LAWS_TESTS,
        "more cached than there is",
    ),
    Mutant(_LAWS, 'counters["running"] > max_running', 'counters["running"] < 0', _LAWS_TESTS, "batches too large"),
    Mutant(
        _LAWS,
        '(counters["running"] == 0) & (counters["used_blocks"] != 0)',
        '(counters["running"] < 0)',
        _LAWS_TESTS,
        "blocks are not given back",
    ),
    Mutant(
        _LAWS,
        "left = (status == QUEUED) | (status == RUNNING) | (status == IN_TRANSIT)",
        "left = (status == QUEUED) & (status == RUNNING)",
        _LAWS_TESTS,
        "requests are left over",
    ),
    Mutant(
        _LAWS,
        "wrong[done] = answered & (total_us != result.e2e_us[done] - result.ttft_us[done])",
        "wrong[done] = False",
        _LAWS_TESTS,
        "gaps do not add up",
    ),
    Mutant(_LAWS, "back > offloaded)", "back < 0)", _LAWS_TESTS, "more comes back than went"),
    Mutant(
        _LAWS, "needs_instance & ~routed", "needs_instance & ~needs_instance", _LAWS_TESTS, "served without an instance"
    ),
    Mutant(_LAWS, "(scheduled < queued) | (queued < 0)", "(queued < 0)", _LAWS_TESTS, "scheduled before it was queued"),
)
