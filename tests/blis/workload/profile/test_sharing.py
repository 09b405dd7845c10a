"""Sharing: how many prompts repeat how much, and how long ago that was said."""

import numpy as np
import pytest

from blis.workload.assemble import assemble
from blis.workload.content.copies import intern_copies
from blis.workload.profile.bins import LEAST
from blis.workload.profile.sharing import fit_reuse


def table(depth, ago, inputs):
    n = len(inputs)
    zeros = np.zeros(n, np.int64)
    content = intern_copies(depth, ago, zeros - 1, zeros, inputs, zeros + 4)
    return assemble(content, arrival_us=np.arange(n), input_tokens=inputs, output_tokens=zeros + 4)


def cells(depth, ago, inputs):
    everybody = np.ones(len(inputs), bool)
    return fit_reuse(table(depth, ago, inputs), everybody, {"twin": everybody})


def test_share_depth_and_distance_are_found():
    random = np.random.default_rng(6)
    inputs = random.integers(900, 1100, 3000)
    depth = np.where(random.random(3000) < 0.3, inputs // 2, 0)
    found = cells(depth, np.full(3000, 12), inputs)
    reused = [cell for cell in found if cell.percent]
    assert sum(cell.weight for cell in reused) / 3000 == pytest.approx((depth > 0).mean(), abs=0.01)
    assert {round(cell.percent) for cell in reused} == {50}
    assert {cell.requests_ago for cell in reused} == {12}
    assert min(cell.weight for cell in found) >= LEAST


def test_long_and_short_prompts_are_told_apart():
    inputs = np.tile([100, 5000], 600)
    found = cells(np.where(inputs > 100, 4500, 0), np.full(1200, 2), inputs)
    assert {cell.percent for cell in found if cell.up_to_tokens == 100} == {0}
    long = [cell for cell in found if cell.up_to_tokens == 5000]
    assert sum(cell.weight * cell.percent for cell in long) / 600 == pytest.approx(90, abs=1)


def test_clients_have_cells_of_their_own():
    """Every second request shares half of its prompt, the others nothing; one client sends these, one those."""
    sharing = np.arange(2000) % 2 == 0
    inputs = np.full(2000, 1000)
    requests = table(np.where(sharing, 500, 0), np.full(2000, 2), inputs)
    found = fit_reuse(requests, np.ones(2000, bool), {"these": sharing, "those": ~sharing})
    shared = {
        name: [cell.weight * cell.percent for cell in found if cell.client == name] for name in ("these", "those")
    }
    assert sum(shared["these"]) / 1000 == pytest.approx(50, abs=0.5)
    assert sum(shared["those"]) == 0 and shared["those"]


def test_requests_that_share_nothing_have_no_cells():
    none = np.zeros(50, np.int64)
    assert cells(none, none + 1, none + 100) is None


def test_a_few_that_share_are_not_told():
    depth = np.zeros(100, np.int64)
    depth[50:53] = 90
    assert [cell.percent for cell in cells(depth, np.ones(100, np.int64), np.full(100, 100)) if cell.percent] == []
