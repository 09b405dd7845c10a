"""The page on deployment lists what the tables of the code have."""

from blis.deploy.counterparts import FILTERS, NEAREST, NEARLY, SCORERS
from blis.deploy.routers import ROUTERS
from blis.deploy.targets import TARGETS
from tests.blis.deploy.samples import PUBLISHED
from tests.docs.pages import tables
from tests.places import ROOT

PAGE = (ROOT / "docs" / "deploy.md").read_text()
TARGET_ROWS, ROWS = tables(PAGE)


def test_every_counterpart_has_its_row():
    rows = {row[0]: row[1] for row in ROWS[1:]}
    for kind, counterparts in (("scorer", SCORERS), ("filter", FILTERS)):
        for one in counterparts:
            assert f"`{one.theirs}`" in rows[f"{kind} `{one.ours}`"]
    assert {f"scorer `{name}`" for name in NEARLY} <= set(rows)


def test_what_is_refused_is_listed():
    refused = PAGE[PAGE.index("Refused on export") :]
    for name in (*NEAREST["routing.scorers"], *NEAREST["routing.policy"]):
        hidden = name.startswith(("always-", "precise-")) or name.endswith("-exact")
        assert hidden or f"`{name}`" in refused, name


def test_every_target_has_its_row():
    assert [row[0].strip("`") for row in TARGET_ROWS[1:]] == ["llm-d", "helm", "vllm", *ROUTERS]
    assert set(TARGETS) == {row[0].strip("`") for row in TARGET_ROWS[1:]}
    for router in ROUTERS.values():
        name, version = router.product.split()
        assert any(name in row[0] and version in row[1] for row in TARGET_ROWS)


def test_the_number_of_published_files():
    assert f"{len(list(PUBLISHED.glob('*.yaml')))} published files" in PAGE
