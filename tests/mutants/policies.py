"""Faults in the templates that a candidate policy chooses from, and in the bundle it is written in."""

from __future__ import annotations

from tests.mutants import Mutant

_ADMISSION = "blis/policies/admission.py"
_FILTERS = "blis/policies/filters.py"
_ROUTING = "blis/policies/routing.py"
_SCORERS = "blis/policies/scorers.py"
_PRIORITY = "blis/policies/priority.py"
_SCHEDULERS = "blis/policies/schedulers.py"
_REGISTRY = "blis/policies/registry.py"
_BUNDLE = "blis/policies/bundle.py"
_ORDER = ("tests/blis/engine/build/test_order.py",)


def _tests(name: str) -> tuple[str, ...]:
    """The mirrored test of a module."""
    return (f"tests/blis/policies/test_{name}.py",)


MUTANTS = (
    Mutant(
        _ADMISSION,
        "min(capacity_tokens, slots[LEVEL_TOKENS] + elapsed_us * refill_tokens_per_s / 1e6)",
        "slots[LEVEL_TOKENS] + elapsed_us * refill_tokens_per_s / 1e6",
        _tests("admission"),
        "a bucket holds more than its capacity",
    ),
    Mutant(
        _ADMISSION,
        "if slots[LEVEL_TOKENS] < cost_tokens:",
        "if slots[LEVEL_TOKENS] <= cost_tokens:",
        _tests("admission"),
        "a bucket that holds just enough refuses",
    ),
    Mutant(
        _ADMISSION,
        "        slots[REFILLED_US] = now_us\n",
        "",
        _tests("admission"),
        "every refill counts from the start of the run",
    ),
    Mutant(
        _ADMISSION,
        "    slots[LEVEL_TOKENS] -= cost_tokens\n",
        "",
        _tests("admission"),
        "admission costs nothing",
    ),
    Mutant(
        _ADMISSION, "_pay(memory[1 + ask.tenant],", "_pay(memory[0],", _tests("admission"), "tenants share a bucket"
    ),
    Mutant(
        _ADMISSION,
        "total += max(views[j].queue_depth / queue_threshold",
        "total += min(views[j].queue_depth / queue_threshold",
        _tests("admission"),
        "saturated means that queue and cache are full",
    ),
    Mutant(_ADMISSION, "return total / count\n", "return total\n", _tests("admission"), "saturation is a sum"),
    Mutant(_ADMISSION, "if queued >= max_queued:", "if queued > max_queued:", _tests("admission"), "one more may wait"),
    Mutant(
        _ADMISSION,
        "(queued - max_queued + 1) * (ask.now_us",
        "(queued - max_queued) * (ask.now_us",
        _tests("admission"),
        "the rejected come back when the queue is just full",
    ),
    Mutant(
        _ADMISSION,
        "return ask.tenant_in_flight < max_tenant_in_flight",
        "return ask.tenant_in_flight <= max_tenant_in_flight",
        _tests("admission"),
        "a tenant has one too many in flight",
    ),
    Mutant(
        _ADMISSION,
        "return highest <= max_load",
        "return highest < max_load",
        _tests("admission"),
        "tiers are shed at the load that is allowed",
    ),
    Mutant(
        _ADMISSION,
        "saturation(views, queue_threshold, kv_threshold) < 1.0\n\n\n@ADMISSION",
        "saturation(views, queue_threshold, kv_threshold) <= 1.0\n\n\n@ADMISSION",
        _tests("admission"),
        "a cluster that is just saturated takes everybody",
    ),
    Mutant(
        _ADMISSION,
        "concurrency(views, max_concurrency) < 1.0",
        "concurrency(views, max_concurrency) <= 1.0",
        _tests("admission"),
        "a cluster with as many in flight as it should have takes everybody",
    ),
    Mutant(_ADMISSION, "** power", "* power", _tests("admission"), "the chance to be shed grows in proportion"),
    Mutant(
        _ADMISSION,
        "return ask.tenant_tokens + ask.input_tokens <=",
        "return ask.tenant_tokens + ask.input_tokens <",
        _tests("admission"),
        "a tenant may not have all of its share",
    ),
    Mutant(
        _FILTERS,
        "view.matched_blocks >= threshold * ask.prompt_blocks",
        "view.matched_blocks > threshold * ask.prompt_blocks",
        _tests("filters"),
        "who knows just enough of a prompt is left out",
    ),
    Mutant(
        _FILTERS,
        "view.keep = ask.prompt_blocks > 0 and",
        "view.keep =",
        _tests("filters"),
        "a prompt without a full block is known everywhere",
    ),
    Mutant(
        _FILTERS,
        "if view.eligible and (least_tokens < 0 or",
        "if (least_tokens < 0 or",
        _tests("filters"),
        "the load of instances that may not be used counts",
    ),
    Mutant(
        _FILTERS,
        "> max_queueing_penalty_ms:",
        ">= max_queueing_penalty_ms:",
        _tests("filters"),
        "a wait that is just allowed is too long",
    ),
    Mutant(_FILTERS, "<= max_waiting", "< max_waiting", _tests("filters"), "a queue that is just allowed is too long"),
    Mutant(
        _ROUTING,
        "(views[j].place - ask.turn) % ask.places",
        "(ask.turn - views[j].place) % ask.places",
        _tests("routing"),
        "turns go backwards",
    ),
    Mutant(
        _ROUTING,
        "if count > 1 and second >= first:",
        "if count > 1 and second > first:",
        _tests("routing"),
        "both choices can be the same instance",
    ),
    Mutant(
        _ROUTING,
        "effective_load(views[second]) < effective_load(views[first])",
        "effective_load(views[second]) <= effective_load(views[first])",
        _tests("routing"),
        "a tie goes to the second choice",
    ),
    Mutant(
        _ROUTING,
        "views[j].matched_blocks, 1)",
        "views[j].matched_blocks, 0)",
        _tests("routing"),
        "a prompt that is known whole costs nothing",
    ),
    Mutant(
        _ROUTING,
        "(effective_load(views[j]) + 1)",
        "effective_load(views[j])",
        _tests("routing"),
        "an empty instance costs nothing, whatever it knows",
    ),
    Mutant(
        _ROUTING, "load < spill_load", "load <= spill_load", _tests("routing"), "a session stays one request longer"
    ),
    Mutant(
        _ROUTING,
        "views[j].score += min(max(views[j].term, 0.0), 1.0) * weights[position]",
        "views[j].score = min(max(views[j].term, 0.0), 1.0) * weights[position]",
        _tests("routing"),
        "the last scorer decides alone",
    ),
    Mutant(
        _ROUTING,
        "min(max(views[j].term, 0.0), 1.0) * weights[position]",
        "views[j].term * weights[position]",
        _tests("routing"),
        "scores are not clamped",
        equal="every scorer stays between 0 and 1, which its own test demands",
    ),
    Mutant(
        _SCORERS,
        "same = views[other].cold_stamp == views[j].cold_stamp and other < j",
        "same = views[other].cold_stamp == views[j].cold_stamp and other > j",
        _tests("scorers"),
        "of equally cold instances the last comes first",
    ),
    Mutant(
        _SCORERS, "1.0 - rank / (eligible - 1)", "1.0 - rank / eligible", _tests("scorers"), "ranks never reach zero"
    ),
    Mutant(
        _SCORERS,
        "            warm = warm or views[j].matched_blocks > 0",
        "        warm = warm or views[j].matched_blocks > 0",
        _tests("scorers"),
        "who may not be used makes a request warm",
    ),
    Mutant(
        _SCORERS,
        "    for j in range(len(views)):\n        if views[j].eligible:\n            low",
        "    for j in range(len(views)):\n        if views[j].eligible >= 0:\n            low",
        _tests("scorers"),
        "the range is that of all instances",
    ),
    Mutant(
        _SCORERS,
        "float(4 * views[j].queue_depth",
        "float(3 * views[j].queue_depth",
        _tests("scorers"),
        "a waiting request counts as three running ones",
    ),
    Mutant(
        _SCORERS,
        "if ask.prompt_blocks > 0 else 0.0",
        "if ask.prompt_blocks > 0 else 1.0",
        _tests("scorers"),
        "a prompt without a full block is known everywhere",
    ),
    Mutant(_SCORERS, "0.5 * (1.0 - min(", "(1.0 - min(", _tests("scorers"), "nobody waiting scores 1"),
    Mutant(
        _SCORERS,
        "views[j].in_flight > idle_threshold and",
        "views[j].in_flight >= idle_threshold and",
        _tests("scorers"),
        "who has as many requests as an idle instance may have is busy",
    ),
    Mutant(
        _SCORERS,
        "views[j].cached_blocks / ask.cache_blocks if ask.cache_blocks > 0",
        "views[j].cached_blocks / ask.prompt_blocks if ask.cache_blocks > 0",
        _tests("scorers"),
        "what is cached is a share of the router's blocks",
    ),
    Mutant(
        _SCORERS,
        "(views[j].term - low) / (high - low) if high > low else 1.0",
        "(views[j].term - low) / (high - low) if high > low else 0.0",
        _tests("scorers"),
        "equally cached instances score nothing",
    ),
    Mutant(
        _PRIORITY,
        "+ columns.ttft_us - prefill_us_token * columns.input_tokens",
        "+ columns.ttft_us + prefill_us_token * columns.input_tokens",
        _ORDER,
        "a long prefill leaves more time",
    ),
    Mutant(
        _PRIORITY,
        "return -(columns.arrival_us + columns.ttft_us) / 1e6",
        "return -columns.ttft_us / 1e6",
        _ORDER,
        "deadlines do not count from the arrival",
    ),
    Mutant(
        _PRIORITY,
        "columns.class_weight * columns.class_priority - boost",
        "columns.class_weight + columns.class_priority - boost",
        _ORDER,
        "weight and priority add up",
    ),
    Mutant(_PRIORITY, "columns.arrival_us / 60e6", "columns.arrival_us / 1e6", _ORDER, "the boost is one a second"),
    Mutant(
        _SCHEDULERS,
        "return columns.input_tokens\n",
        "return -columns.input_tokens\n",
        _ORDER,
        "the longest prompt goes first",
    ),
    Mutant(
        _SCHEDULERS,
        "np.exp(noise * columns.length_noise)",
        "(1 + noise * columns.length_noise)",
        _ORDER,
        "a predictor errs by an addend, below zero at times",
    ),
    Mutant(
        _REGISTRY,
        "value = given.get(key, bounds.default)",
        "value = bounds.default if bounds.default is not None else given.get(key)",
        _tests("registry"),
        "given parameters are ignored",
    ),
    Mutant(
        _REGISTRY,
        "if not (one.oracle or one.pathological or one.dated)]",
        "if not (one.oracle or one.dated)]",
        ("tests/search/space/test_templates.py",),
        "a search may choose what only tests want",
    ),
    Mutant(
        _BUNDLE,
        '    mapping.pop("provenance", None)\n    return hashlib',
        "    return hashlib",
        _tests("bundle"),
        "where a bundle came from is part of what it decides",
    ),
    Mutant(
        _BUNDLE,
        "if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:",
        "if isinstance(value, float) and abs(value) < 2**53:",
        _tests("bundle"),
        "fractions are cut",
    ),
    Mutant(
        _BUNDLE,
        "registry.values(policy, given)\n    return",
        "return",
        _tests("bundle"),
        "parameters of another policy are dropped without a word",
    ),
)
