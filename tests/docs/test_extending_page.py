"""docs/extending.md tells all that a template may read."""

from __future__ import annotations

import re

from blis.engine.gateway.records import ASK, VIEW
from blis.policies.admission import ADMISSION
from blis.policies.filters import FILTERS
from blis.policies.routing import ROUTING
from blis.policies.scorers import SCORERS
from tests.docs.pages import tables
from tests.places import ROOT

PAGE = (ROOT / "docs" / "extending.md").read_text()
FILLED = {"keep", "score", "term"}  # by a template, not for it
OWN = {"turn"}  # of a kept decision: the number that ASK has, too


def facts() -> list[list[str]]:
    (table,) = [found for found in tables(PAGE) if found[0][0] == "in `reads`"]
    return table[1:]


def test_every_fact_that_a_template_reads_is_told():
    told = {name for row in facts() for name in re.findall(r"`([a-z0-9_-]+)`", row[0])}
    registries = (ADMISSION, FILTERS, ROUTING, SCORERS)
    read = {fact for registry in registries for name in registry for fact in registry[name].reads}
    assert read <= told
    assert told - read <= {"picker"}  # the gateway's own


def test_every_field_is_told_and_no_other():
    cells = " ".join(row[1] for row in facts())
    assert set(re.findall(r"views\[j\]\.(\w+)", cells)) == set(VIEW.names) - FILLED - OWN
    assert set(re.findall(r"ask\.(\w+)", cells)) == set(ASK.names)


def test_what_a_template_fills_is_told():
    assert set(re.findall(r"`views\[j\]\.(\w+)` \(", PAGE)) == FILLED
