"""Pools as dataset inputs: their digests say whether two searches met the same requests."""

import json

import pytest

from search.run_folder.datasets import pools
from tests.search.small import small_settings


def digests(tmp_path, *overrides):
    return [pool.digest for pool in pools(small_settings(tmp_path, *overrides))]


def test_three_pools_each_with_its_own_digest_and_source(tmp_path):
    found = pools(small_settings(tmp_path))
    assert [(pool.name, pool.context) for pool in found] == [
        ("pool/search", "search"),
        ("pool/selection", "selection"),
        ("pool/report", "report"),
    ]
    assert len({pool.digest for pool in found}) == 3
    assert all(json.loads(json.dumps(pool.source))["num_requests"] == 200 for pool in found)


def test_the_same_requests_have_the_same_digest(tmp_path):
    assert digests(tmp_path) == digests(tmp_path, "seed=2", "driver=random", "driver.budget=50")


@pytest.mark.parametrize("override", ["workload.seed=9", "workload.first=100", "workload.rate_scale=1.1"])
def test_other_requests_have_another(tmp_path, override):
    assert not {*digests(tmp_path)} & {*digests(tmp_path, override)}


def test_more_tables_are_another_pool(tmp_path):
    before, after = digests(tmp_path), digests(tmp_path, "validation.report_seeds=5")
    assert before[:2] == after[:2] and before[2] != after[2]
