"""docs/policies.md names every registered template and parameter with its default and range, and no other."""

from __future__ import annotations

import re

import pytest

from blis.policies.admission import ADMISSION
from blis.policies.filters import FILTERS
from blis.policies.priority import PRIORITIES
from blis.policies.registry import Bounds, Registry
from blis.policies.routing import ROUTING
from blis.policies.schedulers import SCHEDULERS
from blis.policies.scorers import SCORERS
from tests.docs.pages import section, tables
from tests.places import ROOT

PAGE = (ROOT / "docs" / "policies.md").read_text()
#: The kinds by their names in the table of ranges, with the section and the number of the table that defines them.
KINDS: dict[str, tuple[Registry, int, int]] = {
    "filter": (FILTERS, 3, 0),
    "routing": (ROUTING, 3, 1),
    "scorer": (SCORERS, 3, 2),
    "admission": (ADMISSION, 4, 0),
    "scheduler": (SCHEDULERS, 5, 0),
    "priority": (PRIORITIES, 5, 1),
}
RANGES = 8

_PARAMETER = re.compile(r"`([a-z_]+)` (-?[\d.e]+)")


def rows(kind: str) -> dict[str, str]:
    """What the kind's table says of each template, by its name: all cells in one text."""
    _, number, place = KINDS[kind]
    _, *found = tables(section(PAGE, number))[place]
    return {name: " | ".join(cells) for cells in found for name in re.findall(r"^`([a-z0-9-]+)`", cells[0])}


def row_of_range(kind: str, name: str, parameter: str, bounds: Bounds) -> list[str]:
    """The row that the table of ranges must have."""
    low, high = bounds.span or (bounds.low, bounds.high)
    searched = f"{low:g} to {high:g}" + (" (log)" if bounds.log else "")
    times = f" × {bounds.relative_to}" if bounds.relative_to else ""
    default = "must be given" if bounds.default is None else f"{bounds.default:g}"
    return [kind, f"`{name}`", f"`{parameter}`", default, f"{bounds.low:g} to {bounds.high:g}", searched + times]


@pytest.mark.parametrize("kind", KINDS)
def test_the_templates_are_those_that_are_registered(kind):
    assert set(rows(kind)) == set(KINDS[kind][0])


@pytest.mark.parametrize("kind", KINDS)
def test_parameters_and_defaults_are_those_that_are_registered(kind):
    registry = KINDS[kind][0]
    for name, text in rows(kind).items():
        cells = text.split(" | ")
        where = cells[0] if kind == "scheduler" else cells[1]  # schedulers have no column of parameters
        told = {parameter: float(default) for parameter, default in _PARAMETER.findall(where)}
        assert told == {parameter: bounds.default for parameter, bounds in registry[name].bounds.items()}, name


@pytest.mark.parametrize("kind", KINDS)
def test_oracles_and_templates_for_tests_are_marked(kind):
    registry, told = KINDS[kind][0], rows(kind)
    assert {name for name, text in told.items() if "(for tests)" in text} == {
        name for name, one in registry.items() if one.pathological
    }
    assert {name for name, text in told.items() if "(oracle" in text} == {
        name for name, one in registry.items() if one.oracle
    }


def test_the_table_of_ranges_has_every_parameter_and_no_other():
    (table,) = tables(section(PAGE, RANGES))
    wanted = [
        row_of_range(kind, name, parameter, bounds)
        for kind, (registry, _, _) in KINDS.items()
        for name in registry
        for parameter, bounds in registry[name].bounds.items()
    ]
    assert table[1:] == wanted
