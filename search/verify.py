"""`blis verify`: a bundle proved again from its own provenance, wherever the same package is installed.

A command of `blis` that the search brings, by an entry point: the simulator knows nothing of searches.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from blis.engine.run import source_digest
from blis.errors import InputError
from blis.policies.bundle import PolicyBundle, load_bundle
from blis.text import aligned
from blis.yaml_strict import check_mapping, named_source
from search.identity import scenario_id
from search.run_folder.proof import settings_of
from search.verdict.advice import KEEP, RULE
from search.verdict.holdout import make_holdout
from search.verdict.judgement import HARDLY_WORTH, WINNER, outcome_of
from search.verdict.numbers import comparison_dict
from search.version import code_digest

FAILURE = 1

#: Two numbers that differ less are the same: machines add in another order.
CLOSE = 1e-9

_EXAMPLES = """\
examples:
  blis verify RUN/best_policy.yaml
  blis verify best_policy.yaml --trace traffic.jsonl    # proved on a trace

Exit status: 0 if every number of the proof holds, 1 if one does not, 2 if the bundle has no proof.
"""


class Line(NamedTuple):
    """One thing that the bundle says: what was found then and now. number: it must be the same; else it explains."""

    what: str
    then: Any
    now: Any
    number: bool = True

    @property
    def holds(self) -> bool:
        """Whether both are the same."""
        if isinstance(self.then, float | int) and isinstance(self.now, float | int):
            return math.isclose(self.then, self.now, rel_tol=CLOSE, abs_tol=CLOSE)
        return bool(self.then == self.now)


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "verify",
        help="prove an exported policy again",
        description="Run the proof of an exported policy again, and say line by line whether its numbers hold.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "bundle", type=Path, metavar="BUNDLE", help="a search's best_policy.yaml or best_candidate.yaml"
    )
    parser.add_argument("--trace", type=Path, metavar="FILE", help="the trace, if it was proved on one")
    parser.add_argument("--output", choices=("text", "json"), default="text", help="(default text)")
    parser.set_defaults(execute=_execute)


def _execute(options: argparse.Namespace) -> int:
    with named_source(options.bundle):
        lines = list(verify(load_bundle(options.bundle), options.trace))
    broken = [line for line in lines if line.number and not line.holds]
    if options.output == "json":
        facts = [{**line._asdict(), "holds": line.holds} for line in lines]
        print(json.dumps({"holds": not broken, "lines": facts}, indent=2, ensure_ascii=False))
    else:
        print(_text(lines, len(broken)))
    return FAILURE if broken else 0


def verify(bundle: PolicyBundle, trace: Path | None = None) -> Iterator[Line]:
    """What a bundle says of its proof, and what is found now. Raises InputError if it claims nothing."""
    settings = settings_of(bundle, trace)
    run = check_mapping(bundle.provenance.get("run", {}), "provenance.run")
    proof = dict(check_mapping(bundle.provenance.get("verdict", {}), "provenance.verdict"))
    if "mean" not in proof:
        raise InputError(f"nothing is claimed of this policy ({_why(proof)}): there is no number to prove again")
    yield Line("simulator", run.get("engine"), source_digest(), number=False)
    yield Line("all code", run.get("code"), code_digest(), number=False)
    yield Line("cluster and requests", run.get("scenario"), scenario_id(settings))
    comparison = make_holdout(settings).against(settings.problem.policy(bundle), [settings.problem.against])[0]
    then, now = dict(_numbers(proof)), dict(_numbers(comparison_dict(comparison)))
    for key in {**now, **then}:
        yield Line(key, then.get(key), now.get(key))
    outcome = outcome_of(comparison.bounds, settings.validation.worth)
    if proof.get("advice") == RULE:  # the outcome is that of another policy
        yield Line("advice", RULE, RULE if outcome in (WINNER, HARDLY_WORTH) else KEEP)
    else:
        yield Line("outcome", proof.get("outcome"), outcome)


def _why(proof: Mapping[str, Any]) -> str:
    """Why there is no number."""
    return "it is the primary baseline" if proof.get("advice") == "keep" else str(proof.get("outcome", "no verdict"))


def _numbers(proof: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The parts of a comparison, the items of lists each by themselves."""
    for key in ("mean", "t", "bca", "interval", "bootstrap", "tables", "blocks", "block_s"):
        value = proof.get(key)
        if isinstance(value, list):
            ends = f"{key} low", f"{key} high"
            yield from zip((*ends, *(f"{key} {place}" for place in range(3, len(value) + 1))), value, strict=False)
        elif value is not None:
            yield key, value


def _text(lines: list[Line], broken: int) -> str:
    """A row a line, and what it comes to."""
    rows: list[Sequence[str]] = [("", "then", "now", "")]
    for line in lines:
        told = "holds" if line.holds else "differs" if line.number else "changed since"
        rows.append((line.what, *map(_cell, (line.then, line.now)), told))
    numbers = sum(line.number for line in lines)
    end = f"Every one of {numbers} lines holds." if not broken else f"{broken} of {numbers} lines do not hold."
    changed = [line.what for line in lines if not line.number and not line.holds]
    if broken and changed:
        end += f" The package is another one: {' and '.join(changed)} changed since."
    return f"{aligned(rows)}\n\n{end}"


def _cell(value: Any) -> str:
    """A number in a few digits."""
    return f"{value:+z.6f}" if isinstance(value, float) else str(value)
