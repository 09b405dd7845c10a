"""What each family of decisions adds: a search with everything, and one with the family left as the baseline has it.

    python -m experiments.families                                    the default problem, 2 seeds x 960 candidates
    python -m experiments.families experiment=overload                the overload problem
    python -m experiments.families workload=trace workload.path=FILE  a recorded trace

What a family adds is the score of the best policy found with everything minus that of the best one found
without it, paired by report table (on a trace: a block bootstrap over time). Both searches may be lucky, so
several seeds are searched and the winner of each side is chosen on the selection pool.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from blis.comparison.gain import gain
from blis.comparison.statistics import AnyComparison
from blis.errors import InputError, check_choice, check_integer
from blis.policies.bundle import PolicyBundle, bundle_mapping
from experiments.page import make_figure, markdown_table, publish
from search.application import EXIT_INPUT, EXIT_OK, compose_settings
from search.problem.policy import Policy
from search.run_folder.overview import BASELINE_COLOURS, MUTED, dress
from search.running.checkpoint import begin
from search.running.loop import run_search
from search.settings import Settings
from search.space.space import Space
from search.verdict.finalists import best_of, choose_finalists
from search.verdict.holdout import make_holdout

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EVERYTHING = "everything"

#: Families by the beginnings of their space keys.
FAMILIES: dict[str, tuple[str, ...]] = {
    "router": ("routing.policy", "routing.parameters.", "routing.scorers.", "routing.picker", "routing.tie_break"),
    "filters": ("routing.filters.",),
    "admission": ("admission.",),
    "gateway queue": ("flow_control.",),
    "scheduling": ("scheduler", "priority.", "preemption", "slo_tiers."),
    "engine knobs": ("engine.",),
}


class Found(NamedTuple):
    """The best policy of a search and how it compares with everything's, and with the primary baseline."""

    policy: Policy
    selection: float  # score on the selection pool
    gain: AnyComparison  # over the primary baseline
    cost: AnyComparison | None  # of leaving the family out: everything's score minus this one's


def without(space: Space, baseline: PolicyBundle, family: str) -> Space:
    """The space with a family's keys fixed as the baseline has them. Raises InputError if nothing is left."""
    prefixes = FAMILIES[family]
    left = {key: parameter for key, parameter in space.parameters.items() if not key.startswith(prefixes)}
    if not left:
        raise InputError(f"without {family} nothing is left to search")
    return replace(
        space,
        parameters=left,
        conditions={key: when for key, when in space.conditions.items() if key in left},
        relative={key: rate for key, rate in space.relative.items() if key in left},
        fixed=_merged(space.fixed, _part(bundle_mapping(baseline), prefixes)),
    )


def families_of(space: Space) -> list[str]:
    """The families that a space searches."""
    return [name for name, prefixes in FAMILIES.items() if any(key.startswith(prefixes) for key in space)]


def _part(mapping: Mapping[str, Any], prefixes: Sequence[str], path: str = "") -> dict[str, Any]:
    """What a bundle says under keys with these beginnings; lists count by the key they stand under."""
    part: dict[str, Any] = {}
    for name, value in mapping.items():
        key = f"{path}{name}"
        if any(f"{key}.".startswith(prefix) or key.startswith(prefix) for prefix in prefixes):
            part[name] = value
        elif isinstance(value, Mapping) and (inner := _part(value, prefixes, f"{key}.")):
            part[name] = inner
    return part


def _merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Nested mappings as one; where both say something the first wins."""
    merged = {**second, **first}
    for key in first.keys() & second.keys():
        if isinstance(first[key], Mapping) and isinstance(second[key], Mapping):
            merged[key] = _merged(first[key], second[key])
    return merged


def winner_of(settings: Settings, seeds: Sequence[int]) -> tuple[Policy, float]:
    """The best policy that searches with these seeds find, chosen on the selection pool; and its score there."""
    finalists: list[Policy] = []
    holdout = make_holdout(settings)
    for seed in seeds:
        seeded = replace(settings, seed=seed)
        candidates, evaluator, archive = begin(seeded)
        run_search(candidates, evaluator, seeded.driver, archive)
        finalists += [finalist.policy for finalist in choose_finalists(seeded, archive, evaluator)]
    scores = [found.fitness for found in holdout.selection.evaluate(finalists)]
    best = best_of(scores)
    if best is None:
        raise InputError("no candidate of the search has a score")
    score = scores[best]
    assert score is not None  # the best of those that have one
    return finalists[best], score


def study(settings: Settings, seeds: Sequence[int], families: Sequence[str]) -> dict[str, Found]:
    """Search with everything and without each family, and compare the winners on the report pool."""
    baseline = settings.problem.against
    holdout = make_holdout(settings)
    everything, score = winner_of(settings, seeds)
    found = {EVERYTHING: Found(everything, score, holdout.against(everything, [baseline])[0], None)}
    _tell(EVERYTHING, found[EVERYTHING])
    for family in families:
        reduced = replace(settings, space=without(settings.space, settings.problem.baseline, family))
        policy, score = winner_of(reduced, seeds)
        cost, gain = holdout.against(everything, [policy])[0], holdout.against(policy, [baseline])[0]
        found[family] = Found(policy, score, gain, cost)
        _tell(f"without {family}", found[family])
    return found


def _tell(name: str, found: Found) -> None:
    print(f"{name}: {found.gain.mean:+.4f} over the primary baseline", file=sys.stderr)


def _shown(comparison: AnyComparison | None) -> str:
    if comparison is None:
        return ""
    bounds = comparison.bounds
    mean, interval = gain(comparison.mean, bounds)
    return f"{mean} {interval if bounds else '[no interval]'}"


def page(found: Mapping[str, Found], settings: Settings, seeds: Sequence[int]) -> str:
    """The table and how to read it."""
    rows = [
        (name if name == EVERYTHING else f"without {name}", _shown(row.gain), _shown(row.cost))
        for name, row in found.items()
    ]
    title = f"# What each family of decisions adds ({len(seeds)} seeds x {settings.driver.budget} candidates a row)"
    header = ("searched", f"over {settings.primary}", "what leaving it out costs")
    note = "95 % intervals, paired by report table; an interval around 0 means: not needed for the gain."
    return "\n\n".join([title, markdown_table(header, rows), note])


def picture(found: Mapping[str, Found]) -> Figure:
    """What each family adds, with intervals."""
    figure, (panel,) = make_figure("What leaving a family of decisions out costs", 1)
    rows = [(name, row.cost) for name, row in found.items() if row.cost is not None]
    for place, (_, cost) in enumerate(rows):
        colour = BASELINE_COLOURS[place % len(BASELINE_COLOURS)]
        if cost.bounds:
            panel.plot(cost.bounds, [place, place], color=colour, linewidth=2.5)
        panel.plot([cost.mean], [place], "o", color=colour, markersize=7)
    panel.axvline(0, color=MUTED, linewidth=1)
    panel.set_yticks(range(len(rows)), [name for name, _ in rows])
    panel.invert_yaxis()
    panel.set_xlabel("score with everything minus score without the family (95 % interval)")
    dress(panel)
    return figure


def main(arguments: Sequence[str]) -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m experiments.families", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=2, help="searches of each row (2)")
    parser.add_argument("--families", help="some of: " + ", ".join(FAMILIES))
    parser.add_argument("--name", default="families", help="of the folder in outputs/experiments/ (families)")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="any override of the main job")
    options = parser.parse_args(arguments)
    try:
        check_integer("--seeds", options.seeds, 1)
        settings = compose_settings(["search_space=full_policy", *options.overrides, "tracking=none"])
        families = options.families.split(",") if options.families else families_of(settings.space)
        for family in families:
            check_choice("family", family, FAMILIES)
        seeds = range(settings.seed, settings.seed + options.seeds)
        found = study(settings, seeds, families)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_INPUT
    folder = publish(options.name, page(found, settings, seeds), picture(found))
    print(f"written to {folder}", file=sys.stderr)
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
