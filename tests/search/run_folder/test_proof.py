"""The problem in a bundle's provenance is the search's own, wherever it is read."""

import pytest

from blis.errors import InputError
from blis.policies.bundle import PolicyBundle, load_bundle
from blis.workload.draw.pools import REPORT_POOL
from blis.yaml_strict import parse_yaml
from search.identity import scenario_id
from search.run_folder.export import bundle_text
from search.run_folder.proof import proved_on, settings_of
from tests.blis.workload.trace_files import random_mooncake_rows, write_mooncake
from tests.search.small import small_settings


def carried(settings):
    """The provenance of a bundle, written and read."""
    bundle = PolicyBundle(provenance={"problem": proved_on(settings)})
    return load_bundle(parse_yaml(bundle_text(bundle), "bundle"))


def test_the_problem_is_the_same(tmp_path):
    settings = small_settings(tmp_path, "primary=lmetric", "seed=7")
    found = settings_of(carried(settings))
    assert scenario_id(found) == scenario_id(settings)
    assert (found.seed, found.primary) == (7, "lmetric")
    assert found.problem.against.id == settings.problem.against.id
    assert found.validation == settings.validation
    assert found.pool(REPORT_POOL, 4) == settings.pool(REPORT_POOL, 4)


def test_the_worlds_of_a_robust_search_come_back(tmp_path):
    settings = small_settings(tmp_path, "fitness.robust=worst", "shifts=[rate x1.2, one instance less]")
    found = settings_of(carried(settings)).problem
    assert (list(found.worlds), found.aim) == (["rate x1.2", "one instance less"], "worst")


def test_a_trace_is_told_by_the_user(tmp_path):
    trace = write_mooncake(tmp_path / "trace.jsonl", random_mooncake_rows(seed=8, n=300, gap_ms=200))
    overrides = ("workload=trace", f"workload.path={trace}", "workload.first=300", "workload.windows.warmup_s=3")
    settings = small_settings(tmp_path, *overrides)
    bundle, was = carried(settings), scenario_id(settings)
    moved = trace.rename(tmp_path / "moved.jsonl")
    assert scenario_id(settings_of(bundle, moved)) == was
    assert str(tmp_path) not in bundle_text(bundle)
    with pytest.raises(InputError, match="it was proved on a trace: say where that lies with --trace FILE"):
        settings_of(bundle)


def test_a_bundle_of_nobody():
    with pytest.raises(InputError, match="not a policy that a search has exported"):
        settings_of(PolicyBundle())
