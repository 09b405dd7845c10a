"""Faults in `blis fit`: terms, equations, prices, intervals, and what a coefficients file says."""

from __future__ import annotations

from tests.mutants import Mutant

_TESTS = "tests/blis/fit/test_{}.py"

MUTANTS = (
    Mutant(
        "blis/fit/terms.py",
        '"context_us_token": lambda steps: steps["decode_context"]',
        '"context_us_token": lambda steps: steps["prefill_context"]',
        (_TESTS.format("terms"),),
        "context is that of prompts",
    ),
    Mutant(
        "blis/fit/rows.py",
        "(sums[last + 1] - sums[met], e2e + early_us, e2e)",
        "(sums[last + 1] - sums[met], e2e, e2e)",
        (_TESTS.format("rows"),),
        "who comes while a step runs has waited for all of it",
    ),
    Mutant(
        "blis/fit/rows.py",
        "requests.append(part.request + offset)",
        "requests.append(part.request)",
        (_TESTS.format("rows"),),
        "requests of two logs are the same ones",
    ),
    Mutant(
        "blis/fit/solve.py",
        "(NOISE / noise) ** 2 / np.sqrt(1 + (off[own] / (2 * noise)) ** 2)",
        "(NOISE / noise) ** 2",
        (_TESTS.format("solve"),),
        "outliers count like all others",
    ),
    Mutant(
        "blis/fit/uncertainty.py",
        "reach = _STEPS_UNSURE * max(float(widest), 2.0) * spread + np.abs(values - centre)",
        "reach = 0.5 * spread + np.abs(values - centre)",
        (_TESTS.format("uncertainty"),),
        "intervals are too narrow",
    ),
    Mutant(
        "blis/fit/choose.py",
        "best = min(losses, key=lambda terms: _weighed(losses[terms], terms))",
        "best = min(losses, key=lambda terms: losses[terms])",
        (_TESTS.format("choose"),),
        "a term need not earn its place",
    ),
    Mutant(
        "blis/latency/ensemble.py",
        "factor=model.factor * _factor(",
        "factor=_factor(",
        ("tests/blis/latency/test_ensemble.py",),
        "members of a slow model are fast",
    ),
    Mutant(
        "blis/latency/coefficients.py",
        "if given and fitted and _short(given) != _short(fitted):",
        "if given and fitted and _short(given) == fitted:",
        ("tests/blis/latency/test_coefficients.py",),
        "what was fitted to one server simulates another",
    ),
    Mutant(
        "blis/tables/network.py",
        "return network.rtt_us + transfer_us(network, input_tokens)",
        "return np.full(len(input_tokens), network.rtt_us)",
        ("tests/blis/tables/test_network.py",),
        "prompts are sent in no time",
    ),
)
