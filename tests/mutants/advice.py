"""Faults in what is to be deployed: who is taken, without what, and what is proved of it again."""

from __future__ import annotations

from tests.mutants import Mutant

_ADVICE, _ADVICE_TESTS = "search/verdict/advice.py", ("tests/search/verdict/test_advice.py",)
_SIMPLIFY, _SIMPLIFY_TESTS = "search/verdict/simplify.py", ("tests/search/verdict/test_simplify.py",)
_VERIFY, _VERIFY_TESTS = "search/verify.py", ("tests/search/test_verify.py",)

MUTANTS = (
    Mutant(
        _ADVICE,
        "against.bounds[0] > 0",
        "against.mean > 0",
        _ADVICE_TESTS,
        "what looks better is taken without a proof",
    ),
    Mutant(
        _ADVICE,
        "against.bounds[0] > 0",
        "against.bounds[1] > 0",
        _ADVICE_TESTS,
        "what is not proved worse is taken",
    ),
    Mutant(
        _ADVICE,
        "comparisons[name].mean <= 0",
        "comparisons[name].mean > 0",
        _ADVICE_TESTS,
        "of two that are proved the worse is taken",
    ),
    Mutant(
        _ADVICE,
        "_proved(against) and not (better_rule and",
        "_proved(against) and not (",
        _ADVICE_TESTS,
        "a rule that is not proved stands in the way of a policy that is",
    ),
    Mutant(
        _ADVICE,
        "if better_rule else keep(*primary)",
        "if rule_against is not None else keep(*primary)",
        _ADVICE_TESTS,
        "a rule is taken without a proof",
    ),
    Mutant(
        _SIMPLIFY,
        "return score - share * max(score, 0.0)",
        "return score - 10 * share * max(score, 0.0)",
        _SIMPLIFY_TESTS,
        "much more is given up than may be",
    ),
    Mutant(
        _SIMPLIFY,
        "found, best = variant, max(best, score)",
        "found, best = variant, score",
        _SIMPLIFY_TESTS,
        "each step may lose as much as all may together",
    ),
    Mutant(
        _SIMPLIFY,
        "if variant is None or not one_back(variant, evaluator.problem):",
        "if variant is None:",
        _SIMPLIFY_TESTS,
        "everything is given up, and the primary baseline is the policy found",
    ),
    Mutant(
        _SIMPLIFY,
        "key=lambda key: -_or_least(scores[key])",
        "key=lambda key: _or_least(scores[key])",
        _SIMPLIFY_TESTS,
        "the dearest difference is looked at first",
    ),
    Mutant(
        _SIMPLIFY,
        "score is not None and score >= least:",
        "score is not None:",
        _SIMPLIFY_TESTS,
        "weights are rounded whatever it costs",
    ),
    Mutant(
        _VERIFY,
        "for key in {**now, **then}:",
        "for key in {**then}:",
        _VERIFY_TESTS,
        "a number that somebody took out of a bundle is not missed",
    ),
    Mutant(
        _VERIFY,
        'yield Line("outcome", proof.get("outcome"), outcome)',
        'yield Line("outcome", outcome, outcome)',
        _VERIFY_TESTS,
        "a bundle may call itself a winner",
    ),
    Mutant(
        _VERIFY,
        "CLOSE = 1e-9",
        "CLOSE = 1.0",
        _VERIFY_TESTS,
        "any number holds",
    ),
    Mutant(
        "search/run_folder/proof.py",
        "Path(known.name).name or",
        "known.name or",
        _VERIFY_TESTS,
        "a name in a bundle writes a file wherever it likes",
    ),
)
