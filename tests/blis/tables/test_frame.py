"""One row a request, blank where something never happened."""

from __future__ import annotations

from pathlib import Path

import blis
from blis.tables.frame import results_frame, save_results


def test_rows_follow_the_requests_and_add_up(small: Path):
    result = blis.simulate(small / "scenario.yaml", small / "requests.csv")
    frame = results_frame(result.requests, result.table)
    assert list(frame.request_id) == ["a", "b", "c"]
    assert list(frame.slo_class) == ["fast", "slow", "fast"] and list(frame.tenant) == ["t1", "t2", "t1"]
    assert (frame.generated_tokens == frame.output_tokens).all()
    spread = (frame.e2e_us - frame.ttft_us) / (frame.output_tokens - 1).clip(1)
    assert (frame.itl_mean_us == spread).all()


def test_what_never_happened_is_blank(small: Path):
    result = blis.simulate(small / "scenario.yaml", small / "requests.csv", {"admission": {"policy": "reject-all"}})
    save_results(small / "out.csv", result.requests, result.table)
    header, *rows = (small / "out.csv").read_text().splitlines()
    assert header.startswith("request_id,status,instance,ttft_us,e2e_us,itl_mean_us,scheduling_delay_us,queued_us,")
    assert rows[0].startswith("a,rejected,,,,,,,,")
    assert len({line.count(",") for line in [header, *rows]}) == 1
