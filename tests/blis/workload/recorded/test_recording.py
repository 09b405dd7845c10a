"""What a recording says of its requests."""

from __future__ import annotations

from pathlib import Path

from blis.workload.recorded.request_log import load_request_log
from tests.blis.workload.recorded.logs import request_log


def test_those_that_warm_up_are_not_scored_and_stay(tmp_path: Path):
    found = load_request_log(request_log(tmp_path))
    assert found.scored.tolist() == [True, True, True]
    assert found.without_warm_up(2).scored.tolist() == [False, False, True]
    assert found.without_warm_up(2).without_warm_up(1).scored.tolist() == [False, False, True]
    assert len(found.without_warm_up(9)) == 3 and not found.without_warm_up(9).scored.any()
